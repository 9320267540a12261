# Die Konsole auf Deutsch. Die anderen Kataloge haben dieselben Schlüssel; ein Test hält sie zusammen.
skip = Zum Inhalt
sections = Bereiche
languages = Sprachen
home = Start
documents = E-Mails
mailboxes = Postfächer
operator = Betreiber
sign-out = Abmelden
firms-other = Andere Kanzlei
details = Im Wortlaut von Microsoft oder greffe
help = Hilfe
open = Öffnen
connect = Verbinden
to-start = Zum Anfang
as-table = Als Tabelle

sign-in-title = Anmelden
sign-in-text = Verwenden Sie Ihr Arbeitskonto bei Microsoft. greffe erfährt, wer Sie sind, und sonst nichts.
sign-in-button = Mit Microsoft anmelden
invited-title = { $name } lädt Sie ein
invited-text = Melden Sie sich mit dem Konto an, das Sie hier benutzen möchten. Der Link gehört danach nur Ihnen.
role-administrator = Administrator
role-clerk = Sachbearbeiter
role-reader = Leser
role-administrator-may = Sie können alles einrichten, und E-Mails lesen und ablegen.
role-clerk-may = Sie können E-Mails lesen und ablegen.
role-reader-may = Sie können E-Mails lesen.
operator-title = Die Konsole als Betreiber öffnen
operator-text = Der Link gilt einmal. Ihre Sitzung endet nach einer Stunde.
operator-button = Die Konsole öffnen
unusable-title = Dieser Link ist nicht verwendbar
unusable-text = Er ist zu alt, wurde schon benutzt, oder ein Teil fehlt. Bitten Sie um einen neuen, oder melden Sie sich an, wenn Sie schon einmal hier waren.
firms-title = Kanzlei wählen
firms-none = Sie sind als { $name } angemeldet, und noch hat Sie keine Kanzlei eingelassen. Bitten Sie den Administrator Ihrer Kanzlei um eine Einladung.
firms-none-operator = Es gibt noch keine Kanzlei. Legen Sie eine über die API an: POST /v1/firms.

not-found-title = Diese Seite gibt es nicht
not-found-text = Vielleicht wurde sie entfernt, oder sie gehört zu einer Kanzlei, zu der Sie keinen Zutritt haben.
forbidden-title = Ihre Rolle erlaubt das nicht
forbidden-text = Bitten Sie den Administrator Ihrer Kanzlei, es zu tun oder Ihnen eine andere Rolle zu geben.
broken-title = Das hat nicht funktioniert
broken-text = Der Fehler liegt bei uns und ist vermerkt. Versuchen Sie es in einer Minute noch einmal.
foreign-title = Dieses Formular kam von einer anderen Website
foreign-text = Es wurde nichts geändert. Öffnen Sie die Seite hier und senden Sie das Formular von dort.
once-more-title = Ihre Sitzung war beendet
once-more-kept = Nichts von dem, was Sie eingegeben haben, ist verloren, und noch wurde nichts geändert.
once-more-send = Sie sind wieder angemeldet. Senden Sie das Formular noch einmal.
once-more-sign-in = Melden Sie sich in einem neuen Tab an. Kommen Sie dann hierher zurück und senden Sie das Formular noch einmal.
once-more-tab = In einem neuen Tab anmelden
once-more-button = Noch einmal senden

who-operator = Ihr Anbieter ist am Zug
who-firm-administrator = Sie sind am Zug
who-tenant-administrator = Ihr Microsoft-365-Administrator ist am Zug
who-app-owner = Der Eigentümer der App-Registrierung ist am Zug
who-user = Das verbundene Konto ist am Zug
who-integrator = Der Entwickler ist am Zug
who-nobody = Niemand muss etwas tun

home-needs = Was jemanden braucht
home-nothing = Im Moment braucht nichts jemanden.
home-in = Ist alles da?
home-in-yes = Ja. Alle E-Mails der gewählten Ordner sind aufbewahrt.
home-no-mailbox = Noch ist kein Postfach eingerichtet.
home-chart = Aufbewahrte E-Mails pro Tag
home-secrets = Geheimnisse, die bald ablaufen
home-help = Oben steht, was jemand tun muss, mit je einer Schaltfläche. Darunter sehen Sie, ob alle E-Mails da sind. Steht oben nichts, haben Sie nichts zu tun.
need-connect = „{ $name }“ ist noch nicht verbunden.
need-connect-how = Melden Sie sich bei Microsoft an, oder senden Sie den Link an jemanden, der das darf.
need-activate = { $name } ist eingerichtet, aber noch wird keine E-Mail aufbewahrt.
need-activate-how = Prüfen Sie Ordner und Regeln, und schalten Sie es dann ein.
secret-ends = Das Geheimnis von „{ $a }“ läuft am { $b } ab.
secret-days = { $n ->
    [0] Es läuft heute ab.
    [one] Es bleibt ein Tag.
   *[other] Es bleiben { $n } Tage.
}
chart-mails = { $n ->
    [one] eine E-Mail
   *[other] { $n } E-Mails
}

mailbox = Postfach
state = Stand
kept = Aufbewahrt
since = Seit
remaining = Noch ausstehend
skipped = Von Ihren Regeln ausgelassen
there-before = Vorher schon da
failed = Von Microsoft nicht ausgegeben
gone = Vor dem Lesen gelöscht
mails-kept = { $n ->
    [one] Eine E-Mail aufbewahrt
   *[other] { $n } E-Mails aufbewahrt
}
mailboxes-own = Einer Person
mailboxes-shared = Freigegeben
mailboxes-help = Ein Postfach ist vollständig, wenn alle E-Mails seiner gewählten Ordner aufbewahrt sind. Während der Vorbereitung werden neue E-Mails schon aufbewahrt; warten Sie noch damit, alte E-Mails hineinzuziehen. Öffnen Sie ein Postfach, um mehr zu sehen.
mailbox-needed = Braucht jemanden
mailbox-inactive = Nicht eingeschaltet
mailbox-paused = Angehalten
mailbox-preparing = Wird vorbereitet
mailbox-preparing-folders = Wird vorbereitet: { $a } von { $b } Ordnern sind bereit
mailbox-remaining = { $n ->
    [one] Noch eine E-Mail steht aus
   *[other] Noch { $n } E-Mails stehen aus
}
mailbox-failed = { $n ->
    [one] Microsoft gibt eine E-Mail nicht aus; greffe versucht es weiter
   *[other] Microsoft gibt { $n } E-Mails nicht aus; greffe versucht es weiter
}
mailbox-incomplete = Ein Teil wartet; greffe versucht es weiter
mailbox-complete = Vollständig
mailbox-end = Voraussichtliches Ende: { $name }.
since-time = Seit { $name }
mailbox-what = Was aufbewahrt wird
mailbox-activated = E-Mails, die seit { $name } eingegangen sind, werden aufbewahrt.
folders-none = Noch ist kein Ordner gewählt.
folders-all = Alle Ordner.
folders-include = { $n ->
    [one] Ein gewählter Ordner, und kein anderer.
   *[other] { $n } gewählte Ordner, und keine anderen.
}
folders-exclude = { $n ->
    [one] Alle Ordner bis auf einen.
   *[other] Alle Ordner bis auf { $n }.
}
rules-internal = Interne E-Mails der Kanzlei werden ausgelassen.
rules-senders = { $n ->
    [one] Ein Absender wird ausgelassen.
   *[other] { $n } Absender werden ausgelassen.
}
rules-domains = { $n ->
    [one] Eine Absenderdomäne wird ausgelassen.
   *[other] { $n } Absenderdomänen werden ausgelassen.
}
rules-none = Keine Regel lässt etwas aus.
rules-mark = Outlook zeigt eine graue Marke auf aufbewahrten E-Mails und eine grüne auf abgelegten.
rules-no-mark = Outlook zeigt keine Marken.
history-done = Alle älteren E-Mails wurden angesehen.
history-running = Ältere E-Mails: { $a } von { $b } angesehen.
history-counting = Ältere E-Mails werden gezählt.
mailbox-switch = Ein- und ausschalten
mailbox-switch-on = Von jetzt an werden neue E-Mails der gewählten Ordner aufbewahrt. Legen Sie zuerst Regeln fest: was versehentlich aufbewahrt wurde, ist schwerer zu entfernen.
mailbox-go-on = Was während der Pause einging, wird auch aufbewahrt.
mailbox-activate = Einschalten
mailbox-no-folders = Wählen Sie zuerst Ordner.
mailbox-pause-what = Während einer Pause wird nichts gelesen. Was inzwischen eingeht, wird aufbewahrt, sobald Sie es wieder einschalten.
mailbox-pause = Anhalten

search = Suchen
search-text = Wörter
search-from = Adresse des Absenders
search-dossier = Akte
search-all = Alle Postfächer
list = E-Mails
list-none = Noch ist keine E-Mail aufbewahrt. Sie erscheint hier Sekunden nach dem Eingang.
list-none-found = Keine E-Mail passt. Versuchen Sie weniger Wörter oder ein anderes Postfach.
file-chosen = Gewählte E-Mails ablegen in Akte
file-in = Akte
file = Ablegen
unfile = Herausnehmen
filed-many = { $n ->
    [one] Eine E-Mail ist wie gewünscht abgelegt. Ihre Marke in Outlook folgt binnen einer Minute.
   *[other] { $n } E-Mails sind wie gewünscht abgelegt. Ihre Marken in Outlook folgen binnen einer Minute.
}
filed-not = { $n ->
    [one] Eine E-Mail konnte nicht abgelegt werden.
   *[other] { $n } E-Mails konnten nicht abgelegt werden.
}
choose = Wählen: { $name }
older = Ältere E-Mails
has-attachments = mit Anhängen
back-to-list = Zurück zur Liste
mail-no-subject = (kein Betreff)
mail-kept = Aufbewahrt
mail-filed-in = Abgelegt in { $name }
mail-failed = Von Microsoft noch nicht ausgegeben
mail-gone = Vor dem Lesen gelöscht
mail-from = Von
mail-to = An
mail-cc = Kopie
mail-date = Datum
mail-text = Text der E-Mail
attachments = Anhänge
images-withheld = Bilder aus dem Web werden nicht geladen, weil sie dem Absender zeigen, wann Sie lesen.
images-show = Trotzdem laden
evidence = Nachweis
evidence-since = Unverändert aufbewahrt seit { $name }.
evidence-number = Sie hat die Nummer { $n } im Protokoll Ihrer Kanzlei.
original = Original herunterladen
