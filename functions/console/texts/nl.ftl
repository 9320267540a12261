# De console in het Nederlands. De andere catalogi hebben dezelfde sleutels; een test houdt ze bij elkaar.
skip = Naar de inhoud
sections = Onderdelen
languages = Talen
home = Start
documents = E-mails
mailboxes = Postvakken
operator = Beheerder van greffe
sign-out = Afmelden
firms-other = Ander kantoor
details = In de eigen woorden van Microsoft of greffe
help = Hulp
open = Openen
connect = Verbinden
to-start = Naar het begin
as-table = Als tabel

sign-in-title = Aanmelden
sign-in-text = Gebruik uw werkaccount van Microsoft. greffe verneemt wie u bent, en verder niets.
sign-in-button = Aanmelden met Microsoft
invited-title = { $name } nodigt u uit
invited-text = Meld u aan met het account dat u hier wilt gebruiken. Daarna is de link alleen van u.
role-administrator = Beheerder
role-clerk = Medewerker
role-reader = Lezer
role-administrator-may = U kunt alles instellen, en e-mails lezen en klasseren.
role-clerk-may = U kunt e-mails lezen en klasseren.
role-reader-may = U kunt e-mails lezen.
operator-title = De console openen als beheerder van greffe
operator-text = De link werkt één keer. Uw sessie eindigt na een uur.
operator-button = De console openen
unusable-title = Deze link is niet bruikbaar
unusable-text = Hij is te oud, werd al gebruikt, of een deel ontbreekt. Vraag een nieuwe, of meld u aan als u hier al eerder was.
firms-title = Kies een kantoor
firms-none = U bent aangemeld als { $name }, en nog geen kantoor heeft u toegelaten. Vraag de beheerder van uw kantoor om een uitnodiging.
firms-none-operator = Er is nog geen kantoor. Maak er een met de API: POST /v1/firms.

not-found-title = Deze pagina bestaat niet
not-found-text = Misschien werd ze verwijderd, of ze hoort bij een kantoor waar u niet binnen mag.
forbidden-title = Uw rol laat dit niet toe
forbidden-text = Vraag de beheerder van uw kantoor om het te doen, of om u een andere rol te geven.
broken-title = Dit is niet gelukt
broken-text = De fout ligt bij ons en is genoteerd. Probeer het over een minuut opnieuw.
foreign-title = Dit formulier kwam van een andere site
foreign-text = Er is niets gewijzigd. Open de pagina hier en verstuur het formulier van daaruit.
once-more-title = Uw sessie was afgelopen
once-more-kept = Niets van wat u typte is verloren, en er is nog niets gewijzigd.
once-more-send = U bent opnieuw aangemeld. Verstuur het formulier nog een keer.
once-more-sign-in = Meld u aan in een nieuw tabblad. Kom daarna hier terug en verstuur het formulier nog een keer.
once-more-tab = Aanmelden in een nieuw tabblad
once-more-button = Nog een keer versturen

who-operator = Uw leverancier is aan zet
who-firm-administrator = U bent aan zet
who-tenant-administrator = Uw Microsoft 365-beheerder is aan zet
who-app-owner = De eigenaar van de app-registratie is aan zet
who-user = Het verbonden account is aan zet
who-integrator = De ontwikkelaar is aan zet
who-nobody = Niemand hoeft iets te doen

home-needs = Wat op iemand wacht
home-nothing = Er wacht op dit moment niets op iemand.
home-in = Is alles binnen?
home-in-yes = Ja. Alle e-mails van de gekozen mappen zijn bewaard.
home-no-mailbox = Er is nog geen postvak ingesteld.
home-chart = Bewaarde e-mails per dag
home-secrets = Geheimen die binnenkort verlopen
home-help = Bovenaan staat wat iemand moet doen, telkens met één knop. Daaronder ziet u of alle e-mails binnen zijn. Staat er bovenaan niets, dan hoeft u niets te doen.
need-connect = “{ $name }” is nog niet verbonden.
need-connect-how = Meld u aan bij Microsoft, of stuur de link naar wie dat mag.
need-activate = { $name } is ingesteld, maar er wordt nog geen e-mail bewaard.
need-activate-how = Kijk de mappen en regels na en schakel het dan in.
secret-ends = Het geheim van “{ $a }” verloopt op { $b }.
secret-days = { $n ->
    [0] Het verloopt vandaag.
    [one] Er rest nog één dag.
   *[other] Er resten nog { $n } dagen.
}
chart-mails = { $n ->
    [one] één e-mail
   *[other] { $n } e-mails
}

mailbox = Postvak
state = Stand
kept = Bewaard
since = Sinds
remaining = Nog te komen
skipped = Overgeslagen door uw regels
there-before = Was er al
failed = Niet afgegeven door Microsoft
gone = Verwijderd voor het lezen
mails-kept = { $n ->
    [one] Eén e-mail bewaard
   *[other] { $n } e-mails bewaard
}
mailboxes-own = Van één persoon
mailboxes-shared = Gedeeld
mailboxes-help = Een postvak is volledig als alle e-mails van de gekozen mappen bewaard zijn. Tijdens de voorbereiding worden nieuwe e-mails al bewaard; wacht nog met het verplaatsen van oude e-mails. Open een postvak om meer te zien.
mailbox-needed = Wacht op iemand
mailbox-inactive = Niet ingeschakeld
mailbox-paused = Gepauzeerd
mailbox-preparing = Wordt voorbereid
mailbox-preparing-folders = Wordt voorbereid: { $a } van { $b } mappen zijn klaar
mailbox-remaining = { $n ->
    [one] Nog één e-mail te komen
   *[other] Nog { $n } e-mails te komen
}
mailbox-failed = { $n ->
    [one] Microsoft geeft één e-mail niet af; greffe probeert opnieuw
   *[other] Microsoft geeft { $n } e-mails niet af; greffe probeert opnieuw
}
mailbox-incomplete = Een deel wacht; greffe probeert opnieuw
mailbox-complete = Volledig
mailbox-end = Verwacht einde: { $name }.
since-time = Sinds { $name }
mailbox-what = Wat bewaard wordt
mailbox-activated = E-mails die sinds { $name } aankwamen, worden bewaard.
folders-none = Er is nog geen map gekozen.
folders-all = Alle mappen.
folders-include = { $n ->
    [one] Eén gekozen map, en geen andere.
   *[other] { $n } gekozen mappen, en geen andere.
}
folders-exclude = { $n ->
    [one] Alle mappen behalve één.
   *[other] Alle mappen behalve { $n }.
}
rules-internal = Interne e-mail van het kantoor wordt overgeslagen.
rules-senders = { $n ->
    [one] Eén afzender wordt overgeslagen.
   *[other] { $n } afzenders worden overgeslagen.
}
rules-domains = { $n ->
    [one] Eén afzenderdomein wordt overgeslagen.
   *[other] { $n } afzenderdomeinen worden overgeslagen.
}
rules-none = Geen regel slaat iets over.
rules-mark = Outlook toont een grijs merk op bewaarde e-mail en een groen op geklasseerde.
rules-no-mark = Outlook toont geen merken.
history-done = Alle oude e-mail is bekeken.
history-running = Oude e-mail: { $a } van { $b } bekeken.
history-counting = Oude e-mail wordt geteld.
mailbox-switch = In- en uitschakelen
mailbox-switch-on = Vanaf nu wordt nieuwe e-mail van de gekozen mappen bewaard. Stel eerst de regels in: wat per vergissing bewaard is, is moeilijker te verwijderen.
mailbox-go-on = Wat tijdens de pauze aankwam, wordt ook bewaard.
mailbox-activate = Inschakelen
mailbox-no-folders = Kies eerst mappen.
mailbox-pause-what = Tijdens een pauze wordt niets gelezen. Wat intussen aankomt, wordt bewaard zodra u het weer inschakelt.
mailbox-pause = Pauzeren

search = Zoeken
search-text = Woorden
search-from = Adres van de afzender
search-dossier = Dossier
search-all = Alle postvakken
list = E-mails
list-none = Er is nog geen e-mail bewaard. Hij verschijnt hier enkele seconden na aankomst.
list-none-found = Geen e-mail past. Probeer minder woorden, of een ander postvak.
file-chosen = Gekozen e-mails klasseren in dossier
file-in = Dossier
file = Klasseren
unfile = Eruit halen
filed-many = { $n ->
    [one] Eén e-mail is geklasseerd zoals gevraagd. Het merk in Outlook volgt binnen een minuut.
   *[other] { $n } e-mails zijn geklasseerd zoals gevraagd. De merken in Outlook volgen binnen een minuut.
}
filed-not = { $n ->
    [one] Eén e-mail kon niet geklasseerd worden.
   *[other] { $n } e-mails konden niet geklasseerd worden.
}
choose = Kiezen: { $name }
older = Oudere e-mails
has-attachments = met bijlagen
back-to-list = Terug naar de lijst
mail-no-subject = (geen onderwerp)
mail-kept = Bewaard
mail-filed-in = Geklasseerd in { $name }
mail-failed = Nog niet afgegeven door Microsoft
mail-gone = Verwijderd voor het lezen
mail-from = Van
mail-to = Aan
mail-cc = Kopie
mail-date = Datum
mail-text = Tekst van de e-mail
attachments = Bijlagen
images-withheld = Afbeeldingen van het web worden niet geladen, omdat ze de afzender tonen wanneer u leest.
images-show = Toch laden
evidence = Bewijs
evidence-since = Ongewijzigd bewaard sinds { $name }.
evidence-number = Het is nummer { $n } in het logboek van uw kantoor.
original = Het origineel downloaden
