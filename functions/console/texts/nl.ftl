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
help-guide = Meer in de handleiding, in het Engels (nieuw tabblad)
guide = Handleiding voor beheerders
guide-contents = Inhoud
guide-english = De handleiding is in het Engels.
open = Openen
to-start = Naar het begin
as-table = Als tabel

sign-in-title = Aanmelden
sign-in-text = Gebruik uw werkaccount van Microsoft. greffe verneemt wie u bent, en verder niets.
sign-in-button = Aanmelden met Microsoft
invited-title = { $name } nodigt u uit
invited-text = Meld u aan met het account dat u hier wilt gebruiken. Daarna werkt de link alleen nog voor u.
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
once-more-secret = Er is nog niets gewijzigd. Voor de veiligheid bewaart greffe geen getypt clientgeheim: open het formulier opnieuw en typ het nog een keer.
once-more-send = U bent opnieuw aangemeld. Verstuur het formulier nog een keer.
once-more-sign-in = Meld u aan in een nieuw tabblad. Kom daarna hier terug en verstuur het formulier nog een keer.
once-more-tab = Aanmelden in een nieuw tabblad
once-more-button = Nog een keer versturen

who-operator = Uw leverancier is aan zet
who-firm-administrator = U bent aan zet
who-your-administrator = De beheerder van uw kantoor is aan zet
who-tenant-administrator = Uw Microsoft 365-beheerder is aan zet
who-app-owner = De eigenaar van de app-registratie is aan zet
who-user = Het verbonden account is aan zet
who-integrator = De ontwikkelaar is aan zet
who-nobody = Niemand hoeft iets te doen
turn-and-action = { $a }: { $b }

home-needs = Wat er te doen is
home-nothing = Er is nu niets te doen.
home-in = Is alles binnen?
home-in-yes = Ja. Alle e-mails van de gekozen mappen zijn bewaard, stand van { $name }.
home-in-no = Nog niet, of niet zeker: de tabel zegt welk postvak wacht.
home-no-mailbox = Er is nog geen postvak ingesteld.
home-chart = Bewaarde e-mails per dag
home-secrets = Geheimen die binnenkort verlopen
home-help = Bovenaan staat wat iemand moet doen, telkens met één knop. Daaronder ziet u of alle e-mails binnen zijn. Staat er bovenaan niets, dan hoeft u niets te doen.
need-connect = “{ $name }” is nog niet verbonden.
need-connect-how = Meld u aan bij Microsoft, of stuur de link naar wie dat mag.
need-activate = { $name } is ingesteld, maar er wordt nog geen e-mail bewaard.
need-activate-how = Kijk de mappen en regels na en schakel het dan in.
need-paused = { $name } is gepauzeerd: er wordt niets gelezen.
need-paused-how = Wat intussen kwam, wordt bewaard zodra u het weer inschakelt.
need-member = { $n ->
    [one] Eén afspraak of contact staat niet in Outlook van { $name }.
   *[other] { $n } afspraken en contacten staan niet in Outlook van { $name }.
}
need-member-how = Open de items van deze persoon: elk zegt waarom, en wie aan zet is.
need-members-more = Misschien ontbreekt er ook iets in de Outlook van andere leden.
need-members-more-how = Deze pagina kijkt alleen naar de nieuwste mislukkingen. Open een lid om te zien hoe het ermee staat.
need-webhook-failing = Uw toepassing neemt niet aan wat greffe naar { $name } stuurt.
need-webhook-paused = Er wordt niets naar { $name } gestuurd: het is gepauzeerd.
need-webhook-how = Laat het doorgaan zodra uw toepassing klaar is.
need-erasure = Een wissing wacht op uw bevestiging.
need-erasure-how = Bekijk wat zou verdwijnen en wat blijft. Tot dan blijft alles.
need-proposals = { $n ->
    [one] Eén e-mail hoort misschien bij een dossier.
   *[other] { $n } e-mails horen misschien bij een dossier.
}
need-proposals-how = Kijk ze één keer door en klasseer wat juist is.
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
state = Status
kept = Bewaard
since = Sinds
remaining = Nog te komen
skipped = Overgeslagen door uw regels
there-before = Was er al
failed = Door Microsoft nog niet gegeven
gone = Verwijderd voordat greffe las
mails-kept = { $n ->
    [one] Eén e-mail bewaard
   *[other] { $n } e-mails bewaard
}
mailboxes-own = Van één persoon
mailboxes-shared = Gedeeld
mailboxes-more = Meer postvakken
mailboxes-help = Een postvak is volledig als alle e-mails van de gekozen mappen bewaard zijn. Tijdens de voorbereiding worden nieuwe e-mails al bewaard; wacht nog met het verplaatsen van oude e-mails. Open een postvak om meer te zien.
mailbox-needed = Er is iets te doen
mailbox-inactive = Niet ingeschakeld
mailbox-paused = Gepauzeerd
mailbox-preparing = Wordt voorbereid
mailbox-preparing-folders = Wordt voorbereid: { $a } van { $b } mappen zijn klaar
mailbox-remaining = { $n ->
    [one] Nog één e-mail te komen
   *[other] Nog { $n } e-mails te komen
}
mailbox-failed = { $n ->
    [one] Microsoft geeft één e-mail nog niet; greffe probeert het opnieuw
   *[other] Microsoft geeft { $n } e-mails nog niet; greffe probeert het opnieuw
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
rules-mark = Outlook toont een grijze markering op bewaarde e-mail en een groene op geklasseerde.
rules-no-mark = Outlook toont geen markeringen.
history-done = Alle oude e-mail is bekeken.
history-running = Oude e-mail: { $a } van { $b } bekeken.
history-counting = Oude e-mail wordt geteld.
mailbox-switch = Inschakelen
mailbox-switch-on = Vanaf nu wordt nieuwe e-mail van de gekozen mappen bewaard. Stel eerst de regels in: wat per vergissing bewaard is, is moeilijker te verwijderen.
mailbox-go-on = Wat tijdens de pauze aankwam, wordt ook bewaard.
mailbox-activate = Inschakelen
mailbox-no-folders = Kies eerst mappen.
mailbox-help = Bovenaan staat of alle e-mails van dit postvak binnen zijn, en wat nog komt. Kies eerst mappen en regels en schakel het dan in. Een pauze verliest niets: wat intussen komt, wordt daarna bewaard.
mailbox-pause-what = Tijdens een pauze wordt niets gelezen. Wat intussen aankomt, wordt bewaard zodra u het weer inschakelt.
mailbox-pause = Pauzeren

search = Zoeken
search-text = Woorden in de e-mail
search-from = Adres van de afzender
search-dossier = Dossier
search-all = Alle postvakken
search-mailbox = Adres van het postvak
search-more = Meer filters
search-clear = Weer alle e-mails tonen
search-filed = Geklasseerd of niet
search-filed-no = nog niet geklasseerd
search-filed-yes = geklasseerd
search-failed = niet vrijgegeven door Microsoft
search-direction = Ontvangen of verzonden
search-received = ontvangen
search-sent = verzonden
search-both = allebei
search-since = Vanaf deze dag
search-until = Tot en met deze dag
search-attachments = Alleen met bijlagen
documents-help = Typ enkele woorden, en de lijst volgt. Open een e-mail om hem naast de lijst te lezen; vink er meerdere aan om ze samen te klasseren. Grijs is bewaard, groen is geklasseerd, zoals in Outlook.
hits-all = { $n ->
    [one] Eén e-mail.
   *[other] { $n } e-mails.
}
hits-page = { $n ->
    [one] Eén e-mail op deze pagina; er zijn er meer.
   *[other] { $n } e-mails op deze pagina; er zijn er meer.
}
hits-end = { $n ->
    [one] Eén e-mail op deze pagina, de oudste.
   *[other] { $n } e-mails op deze pagina, de oudste.
}
list-none-newest = Bij de nieuwste e-mails past er geen. Oudere misschien wel.
tick-all = Alles op deze pagina aanvinken
tick-none = Alles uitvinken
list = E-mails
list-none = Er is nog geen e-mail bewaard. Nieuwe e-mail staat hier enkele seconden nadat ze is aangekomen.
list-none-found = Geen e-mail gevonden. Probeer minder woorden, of een ander postvak.
list-order = De laatst gearchiveerde staat bovenaan.
found-further-on = Verderop in de tekst gevonden, of in de naam van een bijlage.
file-chosen = Gekozen e-mails klasseren in dossier
file-in = Dossier
choose-a-mail = Kies minstens één e-mail in de lijst.
choose-an-entry = Kies minstens één item in de lijst.
type-a-dossier = Typ het dossier waarbij de e-mail hoort.
file-moves = { $n ->
    [one] Er is nog niets geklasseerd: een van deze e-mails zit in een ander dossier ({ $name }). Klasseer opnieuw om die te verplaatsen.
   *[other] Er is nog niets geklasseerd: { $n } van deze e-mails zitten in een ander dossier ({ $name }). Klasseer opnieuw om ze te verplaatsen.
}
file-conversation = De hele conversatie klasseren
file = Klasseren
unfile = Eruit halen
filed-many = { $n ->
    [one] Eén e-mail is geklasseerd zoals gevraagd. De markering in Outlook volgt binnen een minuut.
   *[other] { $n } e-mails zijn geklasseerd zoals gevraagd. De markeringen in Outlook volgen binnen een minuut.
}
filed-not = { $n ->
    [one] Eén e-mail kon niet geklasseerd worden.
   *[other] { $n } e-mails konden niet geklasseerd worden.
}
choose = Kiezen: { $name }
older = Oudere e-mails
has-attachments = met bijlagen
back-to-list = Terug naar de lijst
mail-outer = Terug naar de e-mail waarbij deze gevoegd is
mail-no-subject = (geen onderwerp)
mail-kept = Bewaard
mail-filed-in = Geklasseerd in { $name }
mail-failed = Door Microsoft nog niet gegeven
mail-tries = { $n ->
    [0] greffe vraagt er zo meteen opnieuw om.
    [one] greffe vroeg er één keer om.
   *[other] greffe vroeg er { $n } keer om.
}
mail-next-try = greffe probeert het uit zichzelf opnieuw: { $name }.
mail-given-up = greffe probeert het niet meer uit zichzelf. Open de e-mail in Outlook: als hij daar opengaat, probeer het hier opnieuw. Helpt dat niet, meld het dan aan uw leverancier.
mail-gone = Verwijderd voordat greffe las
mail-erased = Gewist op verzoek
mail-removed = Als ongewenst verwijderd
mail-expired = Verlopen: de bewaartermijn is voorbij
mail-from = Van
mail-to = Aan
mail-cc = Kopie
mail-date = Datum
mail-text = Tekst van de e-mail
found-in-text = Gevonden in de tekst
attachments = Bijlagen
attachment-read = Lezen
images-withheld = Afbeeldingen van het web worden niet geladen: daaraan zou de afzender zien dat u de e-mail leest.
images-show = Toch laden
mail-is-cut = Deze e-mail is langer dan wat hier staat. Het origineel bevat alles.
evidence = Bewijs
evidence-since = Ongewijzigd bewaard sinds { $name }.
evidence-until = Het wordt bewaard tot { $name }.
evidence-number = Het is nummer { $n } in het logboek van uw kantoor.
evidence-not-yet = Het is nummer { $n } van de gebeurtenissen van uw kantoor. Binnen een kwartier staat het in het logboek; pas dan kan het bewijs worden gedownload.
original = Het origineel downloaden

proof = Het bewijs downloaden
proof-what = Een bestand waarmee iedereen, zonder greffe, nagaat dat deze e-mail ongewijzigd is.
connectors = Verbindingen
people = Personen
settings = Instellingen
settings-firm = Het kantoor
settings-zone-what = Tijden en dagen op deze pagina's zijn die van deze tijdzone.
settings-domains-what = De regels voor interne e-mail gebruiken deze lijst niet; ze noemt de domeinen van uw kantoor.
settings-marks = Markeringen in Outlook
settings-marks-what = Namen en kleuren van de twee categorieën. Kies namen die niemand voor eigen categorieën gebruikt. Een e-mail die al gemarkeerd is, houdt zijn markering tot hij geklasseerd of eruit gehaald wordt. De kleur geldt voor postvakken waar de categorie nieuw is.
settings-received = Van bewaarde e-mail
settings-filed = Van geklasseerde e-mail
settings-color = Kleur
settings-help = Wat hier staat, geldt voor het hele kantoor. De taal is die van de markeringen en van wat greffe naar Outlook schrijft; ieder kiest onderaan de taal van deze pagina's. Onder “Programma's” geeft u uw toepassing haar sleutel.
color-red = rood
color-orange = oranje
color-brown = bruin
color-yellow = geel
color-green = groen
color-teal = blauwgroen
color-blue = blauw
color-purple = paars
color-grey = grijs
color-dark-grey = donkergrijs
color-black = zwart
keys = Programma's
keys-none = Nog geen programma heeft een sleutel. Uw toepassing heeft er een nodig om te zien wat hier bewaard is.
key-new = Een sleutel voor een programma
key-name = Welk programma
key-rights = Wat het mag doen
key-right-read = E-mails en instellingen lezen
key-right-file = E-mails in dossiers klasseren
key-right-push = Afspraken en contacten naar Outlook schrijven
key-right-manage = Alles instellen, zoals u
key-end = Ze vervalt op, als ze moet vervallen
key-make = De sleutel maken
key-made = Geef deze sleutel aan wie het programma instelt. Hij wordt alleen deze keer getoond.
key-used = Laatst gebruikt op { $name }.
key-unused = Nooit gebruikt.
key-ends = Ze vervalt op { $name }.
key-revoke = De sleutel intrekken
key-revoke-what = Vanaf dat moment kan het programma hier niets meer. Wat het deed, blijft.
keys-help = Een sleutel laat een van uw programma's binnen, zoals een uitnodiging een persoon binnenlaat. Geef elk programma een eigen sleutel, met niet meer rechten dan nodig. Om er een te vervangen maakt u een nieuwe, laat u het programma die gebruiken, en trekt u de oude in.
connectors-none = Er is nog niets verbonden. Met een verbinding kan greffe e-mail lezen in Microsoft 365.
connectors-help = Een verbinding is de weg waarlangs greffe Microsoft 365 bereikt. Ze loopt via één persoon, of geldt voor de hele organisatie. Test ze bij twijfel: een test wijzigt niets.
connector-help = Iemand meldt zich één keer aan bij Microsoft, en daarna mag greffe wat hier staat, en niets meer. Werkt iets niet, test dan de verbinding: elke regel zegt wat het betekent en wie aan zet is. Na een wijziging van rechten meldt iemand zich opnieuw aan.
connector-new-help = Via één persoon volstaat om te proberen, en voor één postvak. Voor de hele organisatie is beter voor een kantoor: het gaat door als iemand vertrekt. U kunt het later wijzigen, en niets van wat bewaard is gaat verloren.
connector-needed = Er is iets te doen
connector-connected = Verbonden met { $a } via { $b }
connector-works = Verbonden
connector-waits = Nog niemand heeft zich aangemeld
connector-awaits-grant = Uw leverancier moet ze vrijgeven
connector-new = Nieuwe verbinding
connector-name = Naam
connector-create = De verbinding maken
connector-change = Naam en rechten
connector-options = Wat greffe naast het lezen van e-mail mag
connector-may = Wat greffe mag
connector-wanted = De wijziging geldt na de volgende aanmelding.
access = Manier van toegang
access-delegated = Via één persoon
access-delegated-what = greffe leest de postvakken die deze persoon mag openen, en geen andere. De toegang eindigt als deze persoon vertrekt of zijn rechten verliest.
access-organization = Voor de hele organisatie
access-organization-what = greffe kan alle postvakken van de organisatie lezen, wie er ook vertrekt. Een globale beheerder moet ermee instemmen.
option-mark = Markeringen in Outlook
option-mark-what = Toont een grijze markering op bewaarde e-mail en een groene op geklasseerde. Daarvoor mag greffe e-mails wijzigen.
option-shared = Gedeelde postvakken van deze persoon
option-shared-what = Opent de gedeelde postvakken die deze persoon mag openen.
option-dates = Datums
option-dates-what = Schrijft afspraken en termijnen in de agenda of in To Do.
option-contacts = Contactpersonen
option-contacts-what = Schrijft contactpersonen in Outlook.
own-app = Uw eigen app-registratie
own-app-what = Alleen als uw kantoor er zelf een heeft in Entra. Laat deze velden anders leeg.
own-app-tenant = Map-id (tenant)
own-app-client = Toepassings-id (client)
own-app-secret = Waarde van het clientgeheim
connect-microsoft = Aanmelden bij Microsoft
connect-again = Opnieuw aanmelden bij Microsoft
connect-send = De link naar iemand anders sturen
connect-send-what = Wie hem opent, meldt zich aan bij Microsoft en verbindt. Hij geldt één dag en werkt één keer.
link = Link
validate = Test
validate-what = Probeert alles wat greffe nodig heeft, en verwijdert wat voor de test gemaakt werd. Het duurt hoogstens een halve minuut.
validate-do = De verbinding testen
validate-good = Alles werkt.
validate-bad = Er werkt iets niet. Hieronder staat wat, en wie aan zet is.
check-works = werkt
check-fails = werkt niet
check-runs = wordt getest
check-not-needed = niet nodig
check-token = Toestemming
check-profile = Wie verbonden is
check-folders = Mappen
check-mail = E-mail lezen
check-mark = Markeringen
check-notifications = Meldingen van nieuwe e-mail
check-calendar = Agenda
check-tasks = To Do
check-contacts = Contactpersonen
check-secret = Geheim van de app
change = Wijzigen
store = Opslaan
secret-new = Nieuw clientgeheim
secret-new-what = Plak hier het nieuwe geheim. greffe test het eerst, en vervangt dan pas het oude.
secret-test = Testen en vervangen

mailbox-new = Een postvak toevoegen
mailbox-new-what = greffe controleert meteen of het dit postvak mag openen. Er wordt niets bewaard voordat u het inschakelt.
mailbox-connector = Verbinding
mailbox-address = Adres
mailbox-kind = Soort
mailbox-kind-user = Van één persoon
mailbox-kind-shared = Gedeeld, zoals info@
mailbox-add = Toevoegen
mailbox-of-member = Van wie het is
mailbox-by-address = volgens het adres hieronder
mailbox-of-member-what = Van een lid volgen adres en verbinding uit de koppeling. Typ anders het adres.
mailbox-new-help = Een postvak is van één persoon, of gedeeld zoals info@. Er wordt niets bewaard voordat u mappen gekozen en het ingeschakeld hebt. Mag greffe het niet openen, dan zegt deze pagina wat ontbreekt.
mailboxes-first = Verbind eerst Microsoft 365.
folders = Mappen
folders-which = Welke mappen worden bewaard?
folders-find = Een map zoeken op naam
folders-find-do = Zoeken
folders-find-end = Alle mappen tonen
folders-find-none = Geen map heeft dit in haar naam.
folders-part = Mappen { $a } van { $b }
folders-next = Volgende mappen
folders-previous = Vorige mappen
folders-see = Bekijken wat bewaard zou worden
folders-store = Deze keuze opslaan
folders-choose = Mappen kiezen
folders-not-current = Microsoft antwoordt nu niet. Dit zijn de mappen zoals greffe ze het laatst zag.
folders-help = Vink de mappen aan waarvan de e-mail bewaard moet worden. Voordat er iets wordt opgeslagen, ziet u wat bewaard zou worden. Concepten, verwijderde en ongewenste e-mail worden nooit bewaard.
mode-include = Alleen de aangevinkte mappen
mode-include-what = Mappen die later gemaakt worden, worden niet bewaard.
mode-exclude = Alle mappen behalve de aangevinkte
mode-exclude-what = Wat onder een aangevinkte map ligt, valt ook weg. Mappen die later gemaakt worden, worden bewaard.
mode-all = Alle mappen
mode-all-what = Mappen die later gemaakt worden, worden ook bewaard.
folder-mixed = sommige eronder zijn aangevinkt
folder-below-all = met alles eronder
folder-below-some = met een deel van wat eronder ligt
folder-below-none = zonder wat eronder ligt
folder-covered = weggelaten met de map erboven
folders-tick-below = Ook aanvinken wat onder de aangevinkte mappen ligt
folder-never = wordt nooit bewaard
outcome-folders = { $n ->
    [0] Er zou geen map bewaard worden.
    [one] Er zou één map bewaard worden.
   *[other] Er zouden { $n } mappen bewaard worden.
}
outcome-mails = { $n ->
    [0] Er ligt nu geen e-mail in.
    [one] Er ligt nu één e-mail in.
   *[other] Er liggen nu { $n } e-mails in.
}
outcome-new = Bewaard wordt alleen e-mail die aankomt nadat u het postvak inschakelt, en oude e-mail die u er daarna naartoe verplaatst.
rules = Regels
rules-change = De regels wijzigen
rules-see = Bekijken wat ze zouden hebben overgeslagen
rules-would = { $n ->
    [one] Deze regels zouden één bewaarde e-mail overgeslagen hebben:
   *[other] Deze regels zouden deze { $n } bewaarde e-mails overgeslagen hebben:
}
rules-would-none = Deze regels zouden geen bewaarde e-mail overgeslagen hebben.
rules-would-more = Alleen de nieuwste e-mails zijn bekeken.
rules-help = Regels beslissen over e-mail die vanaf nu komt. Wat bewaard is, blijft bewaard. Stel ze in voor u een postvak inschakelt.
rule-internal = Interne e-mail overslaan
rule-internal-what = Een collega schreef hem, en alle ontvangers zitten in uw domein.
rule-senders = E-mail van deze adressen overslaan, één per regel
rule-domains = E-mail van deze domeinen overslaan, één per regel
rule-mark = Markeringen tonen in Outlook
rule-mark-what = Grijs op bewaarde e-mail, groen op geklasseerde.

people-none = Nog niemand heeft hier een rol.
people-help = Hier staat wie de console van uw kantoor mag gebruiken. Een rol geldt vanaf de volgende klik. Wilt u iemand binnenlaten, maak dan een link en stuur hem naar die persoon.
role = Rol
remove = Verwijderen
remove-what = De persoon komt niet meer binnen. Wat hij eerder deed, blijft genoteerd.
invite = Iemand uitnodigen
invite-what = Kies wat de persoon mag, en stuur de link naar die persoon.
invite-make = Een link maken
invite-made = Stuur deze link naar de persoon, en naar niemand anders. Hij wordt alleen nu getoond.
invite-until = Hij geldt tot { $name }, voor één account.

first-title = Vijf stappen tot de eerste bewaarde e-mail
first-connect = Microsoft 365 verbinden
first-connect-what = Iemand meldt zich aan bij Microsoft en stemt in.
first-mailbox = Een postvak toevoegen
first-mailbox-what = Het uwe, dat van een collega, of een gedeeld postvak.
first-folders = De mappen kiezen
first-folders-what = Alleen wat u kiest, wordt bewaard.
first-rules = De regels bekijken
first-rules-what = Wat moet overgeslagen worden? Vooraf is dat gemakkelijker dan achteraf.
first-activate = Inschakelen
first-activate-what = Vanaf dan wordt nieuwe e-mail bewaard.
first-done = klaar
first-do = Verdergaan

members = Leden
members-none = Er is nog niemand gekoppeld. Koppel de personen in wier Outlook datums en contactpersonen moeten staan.
members-help = Een lid is een persoon van uw kantoor, gekoppeld aan zijn account bij Microsoft. greffe schrijft datums en contactpersonen in zijn Outlook zoals uw toepassing ze stuurt. Test een dienst als daar iets ontbreekt.
member-help = Hier staat wat greffe in Outlook van deze persoon zette, en wat wacht. Schakel afspraken en contacten in of uit; wat u uitschakelt, wordt er weer uitgehaald. Ontbreekt er iets, test dan die dienst.
member-new-help = Koppel een persoon van uw kantoor aan zijn account bij Microsoft. Er wordt niets naar Outlook geschreven voordat u het inschakelt, op de volgende pagina. Via de verbinding van één persoon kan alleen die persoon gekoppeld worden.
member-new = Een lid koppelen
member-link = Koppelen
member-nothing = In deze Outlook wordt niets geschreven
member-state = Wat in deze Outlook staat
member-what = Wat greffe daar schrijft
member-target = Datums gaan naar
target-calendar = de agenda
target-todo = To Do
member-compared = Laatst vergeleken op { $name }.
preview-do = Bekijken wat greffe nu zou wijzigen
preview-none = Niets: alles staat in Outlook zoals het hoort.
preview-some = { $n ->
    [one] Eén verschil. Ernaar kijken verandert niets; greffe zet het vanzelf recht.
   *[other] { $n } verschillen. Ernaar kijken verandert niets; greffe zet ze vanzelf recht.
}
preview-missing = zou geschreven worden
preview-unwanted = zou eruit gehaald worden
preview-gone = werd in Outlook verwijderd, en zou opnieuw geschreven worden
preview-altered = werd in Outlook gewijzigd, en zou rechtgezet worden
preview-outdated = zou bijgewerkt worden
switched-off = uitgeschakeld
copies-placed = { $n ->
    [0] nog niets.
    [one] één item.
   *[other] { $n } items.
}
copies-waiting = { $n ->
    [one] Nog één wacht.
   *[other] Nog { $n } wachten.
}
copies-failed = { $n ->
    [one] Eén is mislukt.
   *[other] { $n } zijn mislukt.
}

entries = Afspraken en contacten
entries-of = Van
entries-of-all = iedereen
show = Tonen
entries-none = Hier staat nog niets. Uw toepassing stuurt data en contacten; ze verschijnen hier met de stand in elke Outlook.
entries-chosen = De aangevinkte: lid
entries-give = Aan dit lid geven
entries-take = Bij dit lid weghalen
entries-more = Meer
entries-done = { $n ->
    [one] Eén item is gewijzigd. Outlook volgt binnen een minuut.
   *[other] { $n } items zijn gewijzigd. Outlook volgt binnen een minuut.
}
entries-refused = { $n ->
    [one] Eén item werd geweigerd.
   *[other] { $n } items werden geweigerd.
}
entries-help = Hier staat wat uw toepassing stuurde, en in wiens Outlook het staat. Vink items aan en kies een lid om ze aan die persoon te geven of er weg te halen. Teksten en tijden wijzigt u in uw toepassing.
entry-nobody = In niemands Outlook.
date-appointment = Afspraak
date-deadline = Termijn
date-reminder = Herinnering
contact-person = Persoon
contact-organisation = Organisatie
copy-current = in Outlook
copy-waiting = onderweg
copy-failed = niet in Outlook

webhooks = Webhooks
webhooks-none = Uw toepassing krijgt nog niets vanzelf te horen. Ze kan altijd opvragen wat er gebeurde.
webhooks-help = Een webhook is een adres van uw toepassing. greffe stuurt daarheen wat er gebeurt, ondertekend, op volgorde, tot het is aangenomen. De ontwikkelaar van uw toepassing kent het adres.
webhook-help = Elke regel is één poging. Antwoordt het adres niet, dan probeert greffe het een dag lang opnieuw, met langere pauzes; daarna stopt het en zegt het dat. Er gaat intussen niets verloren.
webhook-new = Adres toevoegen
webhook-url = Adres
webhook-add = Toevoegen
webhook-works = Werkt
webhook-failing = Antwoordt op dit moment niet
webhook-paused = Gepauzeerd
webhook-stopped = Gestopt; iemand moet iets doen
webhook-tries = Sinds { $a }. Volgende poging: { $b }.
webhook-all-types = Alles wat gebeurt, wordt gestuurd.
webhook-test = Test sturen
webhook-pause = Pauzeren
webhook-go-on = Verdergaan
webhook-secret = Geheim
webhook-secret-made = Kopieer het geheim nu naar uw toepassing. Het wordt alleen deze keer getoond.
webhook-secret-new = Nieuw geheim
webhook-secret-what = Een dag lang worden gebeurtenissen met het oude en het nieuwe geheim ondertekend; er gaat niets verloren terwijl u het wijzigt.
webhook-remove-what = Naar dit adres wordt niets meer gestuurd. Wat er gebeurde, kan nog altijd worden opgevraagd.
mailbox-remove-what = greffe leest dit postvak niet meer. Wat bewaard is, blijft en kan gevonden en geklasseerd worden. U kunt het postvak opnieuw toevoegen.
connector-remove-what = greffe geeft zijn toegang op. De postvakken van deze verbinding worden gepauzeerd, en er komt langs deze weg niets meer in Outlook. Wat bewaard is, blijft.
member-remove-what = greffe zet geen datums en contacten meer in deze Outlook en haalt weg wat het er gezet heeft. Het postvak en zijn e-mails blijven.
deliveries = Laatste zendingen
deliveries-none = Er is nog niets gestuurd.
delivery-answer = Antwoord
delivery-test = Test
delivery-again = Opnieuw sturen
delivery-again-number = Nummer { $n } opnieuw sturen
delivery-timed-out = geen antwoord op tijd
delivery-not-public = geen openbaar adres
delivery-unreachable = niet bereikbaar

audit = Audittrail
audit-none = Er is nog niets gedaan.
audit-help = Hier staat wie wat deed, en wie welke mail las. Elke handeling wordt genoteerd voordat ze gebeurt. Niemand kan een regel wijzigen of wissen: greffe zou het zien.
audit-broken = Een regel van de audittrail is gewijzigd of gewist.
audit-broken-what = Meld het aan uw leverancier. De andere regels zijn zoals ze geschreven werden.
when = Wanneer
who = Wie
what = Wat
outcome = Resultaat
outcome-done = gedaan
outcome-refused = geweigerd
outcome-open = begonnen, resultaat onbekend
audit-again = Opnieuw proberen
reason-wrong = een veld paste niet
reason-role = de rol of de sleutel laat het niet toe
reason-absent = het was er niet
reason-stood = de toestand van dat moment liet het niet toe
reason-overtaken = iemand anders was sneller
reason-microsoft = Microsoft weigerde het
reason-busy = te veel tegelijk
reason-down = greffe of Microsoft antwoordde niet
actor-operator = Uw leverancier
actor-key = Programma “{ $name }”
actor-former-key = Een programma waarvan de sleutel is ingetrokken
actor-visitor = Iemand zonder account
did-sign-in = meldde zich aan bij Microsoft
did-proof = downloadde een bewijs
did-unfile = haalde mail uit een dossier
did-file = klasseerde mail
did-retry = liet mail opnieuw opvragen
did-read = las mail
did-activate = zette een postvak aan
did-pause = pauzeerde een postvak
did-folders = koos mappen
did-rules = wijzigde regels
did-folder-dossiers = liet een map voor een dossier staan, of beëindigde dat
did-grant-history = gaf oudere mail vrij of trok dat in
did-reconcile = liet een postvak controleren
did-mailbox-add = voegde een postvak toe
did-mailbox-remove = verwijderde een postvak
did-mailbox = wijzigde een postvak
did-validate = testte een verbinding
did-secret = wijzigde een geheim of certificaat
did-connector-remove = verwijderde een verbinding
did-connector = maakte of wijzigde een verbinding
did-member-test = testte een lid
did-member-remove = verwijderde een lid
did-member = koppelde of wijzigde een lid
did-dates = wijzigde data
did-contacts = wijzigde contacten
did-key-remove = trok een sleutel in
did-key = maakte een sleutel
did-webhook = maakte, wijzigde of gebruikte een webhook
did-people = wijzigde wie binnen mag
did-marks = wijzigde de markeringen
did-firm = wijzigde de instellingen van het kantoor
did-other = deed iets anders

check = Is alles er?
check-running = De mappen worden vergeleken met wat bewaard is.
check-never = De mappen zijn nog niet vergeleken. Dat gebeurt elke dag vanzelf.
check-complete = Laatst vergeleken op { $a }: van de { $b } e-mails die in de mappen lagen en meer dan vijf minuten daarvoor waren aangekomen, ontbreekt er geen.
check-found = Laatst vergeleken op { $a }: { $b } e-mails ontbraken; ze zijn nu of binnenkort bewaard.
check-would = Laatst vergeleken op { $a }: { $b } e-mails ontbreken.
check-what = greffe vergelijkt de gekozen mappen met wat bewaard is, en bewaart wat ontbreekt. Het kan ook alleen kijken.
check-do = Nu vergelijken
check-look = Alleen kijken
check-folders-each = Map per map
check-listed = In de map
check-due = Te bewaren
check-missing = Ontbreekt
folder = Map
folder-dossiers = Mappen die voor een dossier staan
folder-dossiers-what = greffe klasseert de e-mail van zo'n map in haar dossier, ook wat iemand er later naartoe verplaatst. Een e-mail die eruit verplaatst wordt, gaat uit het dossier.
folder-dossiers-none = Geen map van dit postvak staat voor een dossier.
folder-dossiers-some = { $n ->
    [one] E-mail in één map wordt geklasseerd in:
   *[other] E-mail in { $n } mappen wordt geklasseerd in:
}
folder-dossiers-change = Deze mappen wijzigen
folder-dossiers-kept-only = Alleen mappen waarvan de e-mails worden bewaard, kunt u hier kiezen. Laat een andere map eerst bewaren:
folder-dossiers-set = Een map voor een dossier laten staan
folder-dossiers-help = Kies een map van het postvak en het dossier waarvoor ze staat. Wie in Outlook een e-mail naar de map verplaatst, klasseert hem; daarvoor is deze pagina niet nodig. Als u het beëindigt, blijft geklasseerd wat geklasseerd is.
folder-dossier-new = Nog een map
folder-in-outlook = Map in Outlook
folder-dossier-end = Beëindigen
folder-unknown = Een map die weg is of nu niet gelezen kan worden
folder-choices-more = { $n ->
    [one] De eerste map staat in de lijst. Zoek andere op naam.
   *[other] De eerste { $n } mappen staan in de lijst. Zoek andere op naam.
}
grant = E-mail van vroeger
grant-none = Er is geen oudere e-mail vrijgegeven.
grant-since = Uw leverancier gaf e-mail vanaf { $name } vrij.
grant-between = Uw leverancier gaf e-mail van { $a } tot { $b } vrij.
grant-keep = E-mail bewaren vanaf deze dag
grant-keep-do = Oudere e-mail bewaren
grant-from = Van
grant-until = Tot
grant-do = Vrijgeven
grant-revoke = Intrekken
operator-firms = Kantoren
operator-none = Er is nog geen kantoor.
operator-count = { $n ->
    [one] Eén kantoor.
   *[other] { $n } kantoren.
}
operator-count-more = Meer dan { $n } kantoren.
operator-state = greffe zelf
operator-version = De API antwoordt: versie { $name }.
operator-app = Uw app-registratie
operator-app-ended = haar inloggegevens zijn verlopen op { $name }. Vervang ze.
operator-app-unknown = het is niet bekend wanneer haar inloggegevens verlopen.
operator-state-what = Waar een kantoor op wacht, staat op zijn startpagina, ook als u aan zet bent. Hoeveel werk er is en wat mislukt, tonen het dashboard en de alarmen in AWS.
operator-new = Nieuw kantoor
operator-language = Taal
operator-zone = Tijdzone
operator-domains = Eigen e-maildomeinen van het kantoor, één per regel
operator-create = Kantoor maken
operator-ended = beëindigd op { $name }
operator-waiting = Wacht op u
operator-waiting-who = { $a } vraagt de organisatie { $b }, die een ander kantoor al heeft.
operator-waiting-what = Geef alleen vrij als beide kantoren samenhoren: daarna kunnen beide de e-mail van deze organisatie lezen.
operator-release = Vrijgeven
operator-help = Maak een kantoor, en laat dan zijn eerste beheerder binnen met een link. De e-mail van een kantoor is van dat kantoor: wat u er leest, staat in zijn audittrail.

# What one page needs beside the others.
audit-older = Eerder
did-list = bekeek de lijst van e-mails
grant-what = Geef e-mail van deze dagen vrij. Een beheerder van het kantoor kiest daarna vanaf wanneer ze bewaard wordt.
member-test-what = Probeert één dienst in deze Outlook, en verwijdert wat voor de test gemaakt werd.
member-test-all = Alles testen
documents-all = Alle e-mails
proposals = Voorstellen
proposals-what = Deze e-mails zijn geschreven of ontvangen door contacten van één dossier, en werden nog nooit geklasseerd. Aanvaard wat klopt en vink de rest uit.
proposals-none = Er wacht geen e-mail op een dossier. Uw toepassing stuurt contacten met hun dossiers; e-mails van die personen verschijnen hier.
proposals-none-here = Geen van deze e-mails kan voorgesteld worden. Oudere misschien wel.
proposals-accept = De aangevinkte e-mails klasseren
proposals-help = Een e-mail wordt voorgesteld voor een dossier als iedereen buiten uw kantoor die hem schreef of kreeg bij dat dossier hoort. Er wordt niets geklasseerd voor u het zegt, tenzij u er hieronder een regel van maakt. Een e-mail die u uit een dossier haalt, wordt niet opnieuw voorgesteld.
unarchived = Niet gearchiveerd
unarchived-link = E-mails die niet gearchiveerd zijn, opnieuw proberen
unarchived-what = Microsoft gaf deze e-mails niet vrij; ze staan nog niet in het archief. greffe probeert elke e-mail ongeveer tien dagen lang zelf opnieuw.
unarchived-none = Er ontbreekt geen e-mail: Microsoft gaf alles vrij wat bewaard moest worden.
unarchived-all = Alles opnieuw proberen
unarchived-again = Opnieuw proberen: { $name }
unarchived-retried = { $n ->
    [one] greffe vraagt Microsoft opnieuw om één e-mail.
   *[other] greffe vraagt Microsoft opnieuw om { $n } e-mails.
}
unarchived-refused = { $n ->
    [one] Eén e-mail kon niet opnieuw geprobeerd worden.
   *[other] { $n } e-mails konden niet opnieuw geprobeerd worden.
}
unarchived-help = Dit zijn de e-mails van alle postvakken die Microsoft niet vrijgaf. Probeer het opnieuw als de oorzaak voorbij is, bijvoorbeeld na een storing bij Microsoft. Een e-mail die binnen is, verdwijnt binnen een minuut uit deze lijst.
filing-rules = Wat greffe uit zichzelf klasseert
filing-by-contact = Nieuwe e-mails klasseren volgens hun contacten
filing-by-contact-what = Een nieuwe e-mail die voor een dossier voorgesteld zou worden, wordt daar meteen geklasseerd. E-mails die er al zijn, blijven voorstellen.
filing-replies = Antwoorden bij hun conversatie klasseren
filing-replies-what = Als u een hele conversatie klasseert, gaan latere e-mails ervan naar hetzelfde dossier.
list-complete-to = E-mails na nummer { $n } zijn alleen op onderwerp en afzender doorzocht; hun tekst wordt nog gelezen. Zoek over een minuut opnieuw.
credential = Hoe greffe zich bij Microsoft legitimeert
credential-what = Uw app-registratie aanvaardt greffe met een geheim, met een certificaat, of zonder een van beide. Een nieuw bewijs wordt getest voor het het oude vervangt.
credential-federated-now = Ze gebruikt geen geheim: er verloopt niets.
credential-renewing = Ze wordt vernieuwd sinds { $name }.
secret-end = Het verloopt op, als u het weet
renew = Nu vernieuwen
renew-what = greffe maakt bij Microsoft een nieuw geheim en gaat erop over. De app-registratie moet het recht hebben om zichzelf te wijzigen.
renew-do = Een nieuw geheim maken en gebruiken
certificate = Een certificaat in plaats van een geheim
certificate-what = greffe maakt een sleutelpaar. U laadt het certificaat op in Entra, of greffe doet het; de privésleutel verlaat greffe nooit.
certificate-add = greffe registreert het bij Microsoft
certificate-add-what = Alleen als de app-registratie zichzelf mag wijzigen.
certificate-make = Een certificaat maken
certificate-made = Bewaar deze regels als een bestand dat eindigt op .pem, en laad het op in Entra: App-registraties, uw app, Certificaten en geheimen, Certificaten.
certificate-added = Het certificaat is geregistreerd bij Microsoft.
certificate-until = Geldig tot { $a }. Vingerafdruk (SHA-256): { $b }
certificate-use = Testen en gebruiken
federation = Zonder geheim
federation-what = Amazon, waar greffe draait, staat bij Microsoft borg voor greffe. U vult één keer enkele waarden in Entra in; daarna verloopt er niets.
federation-show = De waarden tonen
federation-values = Vul deze letterlijk in Entra in: App-registraties, uw app, Certificaten en geheimen, Federatieve referenties. Eén voor elke “Subject”. Wacht daarna enkele minuten.
federation-use = Testen en gebruiken

typed-kept = Wat u hebt ingevuld, is niet verloren. U kunt het nog eens versturen.
overtaken = Intussen heeft iemand anders dit gewijzigd.
overtaken-what = Wat u typte is nog niet opgeslagen. Uw invoer staat hieronder; wat nu geldt staat hier. Sla nog een keer op om het te vervangen.
said-saved = Opgeslagen.
said-added = Toegevoegd.
said-removed = Verwijderd.
said-on = Het postvak is ingeschakeld.
said-paused = Het is gepauzeerd.
said-begun = Het is begonnen. Het resultaat verschijnt op deze pagina.
said-sent = Het wordt verstuurd. Het resultaat verschijnt hieronder binnen enkele seconden.
too-large-title = Dit is te veel tegelijk
too-large-text = Er is niets gewijzigd. Ga terug en verstuur minder tegelijk, bijvoorbeeld een kortere lijst.
archive-checked = Elke dag wordt een deel van het archief gecontroleerd, het laatst op { $name }:
archive-whole = { $n ->
    [0] daarin was niets te controleren.
    [one] één e-mail is zoals hij werd bewaard.
   *[other] { $n } e-mails zijn zoals ze werden bewaard.
}
archive-findings = { $n ->
    [one] één ding is niet zoals het werd bewaard. Uw leverancier moet iets doen.
   *[other] { $n } dingen zijn niet zoals ze werden bewaard. Uw leverancier moet iets doen.
}
did-erase = vroeg om e-mail te wissen
did-erase-confirm = bevestigde het wissen van e-mail
did-hold = zette een dossier op bewaarplicht of hief die op
did-retention = wijzigde hoelang e-mail wordt bewaard
erasures = Wissen en bewaarplicht
erasures-list = Wat gewist moest worden
erasures-none = Er is nog niet gevraagd om iets te wissen.
erasures-help = Bewaarde e-mail blijft onveranderd tot het einde van de bewaartermijn, of tot iemand hier vraagt om ze te wissen. U ziet eerst wat verdwijnt en wat blijft. Van een dossier met bewaarplicht kan geen e-mail worden gewist.
erasure-help = Eerst ziet u wat zou verdwijnen en wat blijft. Er wordt pas gewist nadat u het aantal typte. Wordt het geweigerd, dan zegt de pagina wat ertegen is; los dat op en vraag het opnieuw.
erasure-new = E-mail wissen
erasure-new-what = Er wordt nog niets gewist: eerst ziet u wat zou verdwijnen en wat blijft, daarna bevestigt u.
erasure-asked = Gevraagd op { $a } door { $b }:
erasure-requested = greffe bekijkt wat zou verdwijnen. Dat duurt hoogstens een minuut.
erasure-previewed = Wacht op uw bevestiging
erasure-confirmed = Het wordt gewist. Dat duurt enkele minuten, want greffe kijkt een tweede keer na of er niets is achtergebleven.
erasure-locked = Geweigerd: een e-mail is tot { $name } vergrendeld in het archief. Vraag het daarna opnieuw.
erasure-held = Geweigerd: een e-mail zit of zat in een dossier met bewaarplicht. Hef de bewaarplicht eerst op.
erasure-active = Geweigerd: het postvak ontvangt nog e-mail. Pauzeer of verwijder het eerst.
erasure-pushed = Geweigerd: er staan nog afspraken of contacten van dit lid in Outlook. Schakel beide eerst uit.
erasure-firm-goes-on = Geweigerd: het kantoor is niet verwijderd.
erasure-unknown = Geweigerd: hiervan is niets bewaard.
erasure-as-asked = Niets te doen: geen e-mail is verlopen, en geen wordt langer bewaard dan de termijnen zeggen.
erasure-refused = Geweigerd.
erasure-done = Gewist op { $name }.
erasure-done-mails = { $n ->
    [one] Eén e-mail is weg.
   *[other] { $n } e-mails zijn weg.
}
erase-one = Eén e-mail wissen
erase-chosen = { $n ->
    [one] Eén gekozen e-mail wissen
   *[other] { $n } gekozen e-mails wissen
}
erase-chosen-more = { $n ->
    [one] en nog één
   *[other] en nog { $n }
}
erase-firm = Het hele kantoor wissen
erase-sender = De e-mail van een afzender wissen
erase-sender-of = De e-mail van { $name } wissen
erase-sender-what = Alle bewaarde e-mail van een adres, zoals nieuws@winkel.example, of van een domein, zoals @winkel.example.
erase-sender-address = Adres, of @ en een domein
erase-rules = Wissen wat de regels vandaag zouden overslaan
erase-rules-what = Bewaarde e-mail van een postvak die volgens de regels niet meer bewaard zou worden. Pas eerst de regels aan en bekijk wat ze zouden overslaan.
erase-retention = De bewaartermijnen toepassen
erase-retention-what = Wat overblijft van e-mail waarvan de termijn voorbij is, wordt gewist: het onderwerp, de afzender en het dossier. E-mail die langer wordt bewaard dan de termijnen zeggen, wordt vanaf dan korter bewaard.
erase-mailbox = Een postvak met alle e-mail wissen
erase-mailbox-what = Alleen als het gepauzeerd of verwijderd is. In Outlook verandert niets.
erase-member = Een lid wissen
erase-member-what = Het lid en de postvakken met zijn adressen. Alleen als er niets meer in zijn Outlook wordt geschreven.
erase-way-mails = Losse e-mails wissen
erase-way-mails-what = Open een e-mail en kies ‘Deze e-mail wissen’, of vink er meer aan in de lijst.
erase-one-do = Deze e-mail wissen
erase-chosen-do = De aangevinkte e-mails wissen
erase-rules-do = Wissen wat de regels zouden overslaan
erase-mailbox-do = Dit postvak wissen
erase-member-do = Dit lid wissen
erasure-by = Wie heeft erom gevraagd?
erasure-reason = Waarom?
erasure-record-what = Beide blijven voorgoed in de audittrail. Noem niet meer dan een controleur nodig heeft.
erasure-see = Bekijken wat zou verdwijnen
erasure-final = Niemand kan dit daarna terughalen.
erasure-type = { $n ->
    [one] Typ ter bevestiging hoeveel e-mails verdwijnen: { $n }
   *[other] Typ ter bevestiging hoeveel e-mails verdwijnen: { $n }
}
erasure-wrong = Er is niets gewist: het aantal is { $n }.
erasure-confirm = Voorgoed wissen
erasure-leave = Alles laten zoals het is
erasure-again = Opnieuw vragen
fate-goes = Dit verdwijnt voorgoed
fate-mails = { $n ->
    [0] Geen e-mail.
    [one] Eén e-mail met de bijlagen.
   *[other] { $n } e-mails met hun bijlagen.
}
fate-shortened = { $n ->
    [one] Eén e-mail wordt vanaf dan korter bewaard. Ze wordt verwijderd als haar termijn voorbij is.
   *[other] { $n } e-mails worden vanaf dan korter bewaard. Ze worden verwijderd als hun termijn voorbij is.
}
fate-index = Het onderwerp, de personen, het dossier en de woorden van elke e-mail: niemand vindt hem hier nog, en hij wordt niet opnieuw bewaard.
fate-more = Er zijn er meer dan in één keer gewist kunnen worden. Vraag het daarna opnieuw.
fate-stays = Dit blijft, en waarom
fate-outlook = De e-mails in Outlook. greffe wist daar niets.
fate-log = Een nummer, een tijdstip en een controlegetal van elke e-mail in het logboek. Daaruit kan niemand een e-mail lezen; zonder dat waren de andere e-mails niet meer te bewijzen.
fate-record = Wie erom vroeg, waarom en wanneer: zo kan later worden aangetoond dat het terecht was.
fate-elsewhere = Kopieën in uw toepassing, in bestanden die iemand heeft gedownload, en tot 35 dagen in de back-ups van uw leverancier.
holds = Bewaarplicht
holds-what = E-mail die in zo'n dossier zit, of er ooit in zat, kan niet worden gewist zolang de bewaarplicht geldt.
hold-set = Bewaarplicht instellen
hold-lift = Bewaarplicht opheffen
retention = Bewaartermijnen
retention-what = E-mail wordt zoveel jaar bewaard na het einde van het jaar waarin ze binnenkwam. Daarna wordt ze zonder verdere vraag verwijderd, en niemand kan ze terughalen.
retention-years-what = Zonder getal wordt e-mail voor altijd bewaard.
retention-default = Jaren voor alle e-mail
retention-class = Klasse van dossiers
retention-class-new = Nog een klasse, zoals fiscale zaken
retention-class-years = Jaren voor deze klasse, als dat langer is
retention-save = De termijnen opslaan
retention-dossiers = Dossiers in een klasse
retention-dossiers-what = E-mail van zo'n dossier wordt bewaard voor de termijn van zijn klasse.
retention-no-class = Geen klasse
retention-put = Het dossier in de klasse zetten
retention-help = Een langere termijn geldt binnen ongeveer een half uur ook voor bewaarde e-mail. Een kortere geldt alleen voor nieuwe; om die op bewaarde e-mail toe te passen, wist u volgens de bewaartermijnen. Een dossier met bewaarplicht houdt zijn e-mail voor altijd: zet de bewaarplicht voor het einde van het jaar.
typed-wrong = Iets wat u hebt ingevuld, klopt niet.
typed-wrong-what = Er is niets gewijzigd.
field-wrong = “{ $name }” past niet.
field-line-wrong = “{ $a }”: regel { $b } past niet.
hint-address = Hier hoort een e-mailadres, zoals naam@kantoor.example.
hint-party = Hier hoort een e-mailadres, of @ en een domein, zoals @winkel.example.
hint-domain = Op elke regel hoort een domein, zoals winkel.example.
hint-url = Hier hoort een adres dat met https:// begint en vanaf het internet bereikbaar is.
hint-text = Het mag niet leeg zijn en telt hoogstens 200 tekens.
hint-years = Hier hoort een aantal jaren, of niets voor altijd. Elke klasse heeft een eigen naam.
hint-day = Hier hoort een dag, zoals 2026-03-02.
hint-id = Kopieer het nog eens uit Entra: het telt 36 tekens.
hint-zone = Hier hoort de naam van een tijdzone, zoals Europe/Brussels.
hint-chosen = Kies het nog eens uit de lijst: misschien werd het intussen verwijderd.
