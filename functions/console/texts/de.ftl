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
help-guide = Mehr im Handbuch, auf Englisch (neuer Tab)
guide = Handbuch für Administratoren
guide-contents = Inhalt
guide-english = Das Handbuch ist auf Englisch.
open = Öffnen
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
once-more-secret = Noch wurde nichts geändert. Zur Sicherheit behält greffe kein eingegebenes Clientgeheimnis: Öffnen Sie das Formular erneut und geben Sie es noch einmal ein.
once-more-send = Sie sind wieder angemeldet. Senden Sie das Formular noch einmal.
once-more-sign-in = Melden Sie sich in einem neuen Tab an. Kommen Sie dann hierher zurück und senden Sie das Formular noch einmal.
once-more-tab = In einem neuen Tab anmelden
once-more-button = Noch einmal senden

who-operator = Ihr Anbieter ist am Zug
who-firm-administrator = Sie sind am Zug
who-your-administrator = Der Administrator Ihrer Kanzlei ist am Zug
who-tenant-administrator = Ihr Microsoft-365-Administrator ist am Zug
who-app-owner = Der Eigentümer der App-Registrierung ist am Zug
who-user = Das verbundene Konto ist am Zug
who-integrator = Der Entwickler ist am Zug
who-nobody = Niemand muss etwas tun
turn-and-action = { $a }: { $b }

home-needs = Was jemanden braucht
home-nothing = Im Moment braucht nichts jemanden.
home-in = Ist alles da?
home-in-yes = Ja. Alle E-Mails der gewählten Ordner sind aufbewahrt, Stand { $name }.
home-in-no = Noch nicht, oder nicht sicher: Die Tabelle sagt, welches Postfach wartet.
home-no-mailbox = Noch ist kein Postfach eingerichtet.
home-chart = Aufbewahrte E-Mails pro Tag
home-secrets = Geheimnisse, die bald ablaufen
home-help = Oben steht, was jemand tun muss, mit je einer Schaltfläche. Darunter sehen Sie, ob alle E-Mails da sind. Steht oben nichts, haben Sie nichts zu tun.
need-connect = „{ $name }“ ist noch nicht verbunden.
need-connect-how = Melden Sie sich bei Microsoft an, oder senden Sie den Link an jemanden, der das darf.
need-activate = { $name } ist eingerichtet, aber noch wird keine E-Mail aufbewahrt.
need-activate-how = Prüfen Sie Ordner und Regeln, und schalten Sie es dann ein.
need-paused = { $name } ist angehalten: Es wird nichts gelesen.
need-paused-how = Was inzwischen kam, wird aufbewahrt, sobald Sie es wieder einschalten.
need-member = { $n ->
    [one] Ein Termin oder Kontakt steht nicht im Outlook von { $name }.
   *[other] { $n } Termine und Kontakte stehen nicht im Outlook von { $name }.
}
need-member-how = Öffnen Sie die Einträge dieser Person: Jeder sagt, warum, und wer am Zug ist.
need-members-more = Vielleicht fehlt auch im Outlook anderer Mitglieder etwas.
need-members-more-how = Diese Seite sieht nur die neuesten Fehlschläge an. Öffnen Sie ein Mitglied, um zu sehen, wie es dort steht.
need-webhook-failing = Ihre Anwendung nimmt nicht an, was greffe an { $name } sendet.
need-webhook-paused = An { $name } wird nichts gesendet: Es ist angehalten.
need-webhook-how = Lassen Sie es weitergehen, sobald Ihre Anwendung bereit ist.
need-erasure = Eine Löschung wartet auf Ihre Bestätigung.
need-erasure-how = Sehen Sie, was verschwände und was bleibt. Bis dahin bleibt alles.
need-proposals = { $n ->
    [one] Eine E-Mail gehört vielleicht zu einer Akte.
   *[other] { $n } E-Mails gehören vielleicht zu einer Akte.
}
need-proposals-how = Sehen Sie sie einmal durch und legen Sie ab, was stimmt.
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
mailboxes-more = Weitere Postfächer
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
mailbox-switch = Einschalten
mailbox-switch-on = Von jetzt an werden neue E-Mails der gewählten Ordner aufbewahrt. Legen Sie zuerst Regeln fest: was versehentlich aufbewahrt wurde, ist schwerer zu entfernen.
mailbox-go-on = Was während der Pause einging, wird auch aufbewahrt.
mailbox-activate = Einschalten
mailbox-no-folders = Wählen Sie zuerst Ordner.
mailbox-help = Oben steht, ob alle E-Mails dieses Postfachs da sind und was noch kommt. Wählen Sie zuerst Ordner und Regeln, dann schalten Sie es ein. Eine Pause verliert nichts: Was inzwischen kommt, wird danach aufbewahrt.
mailbox-pause-what = Während einer Pause wird nichts gelesen. Was inzwischen eingeht, wird aufbewahrt, sobald Sie es wieder einschalten.
mailbox-pause = Anhalten

search = Suchen
search-text = Wörter
search-from = Adresse des Absenders
search-dossier = Akte
search-all = Alle Postfächer
search-mailbox = Adresse des Postfachs
search-more = Weitere Filter
search-clear = Wieder alle E-Mails zeigen
search-filed = Abgelegt oder nicht
search-filed-no = noch nicht abgelegt
search-filed-yes = abgelegt
search-failed = von Microsoft nicht herausgegeben
search-direction = Empfangen oder gesendet
search-received = empfangen
search-sent = gesendet
search-both = beides
search-since = Von diesem Tag an
search-until = Bis zu diesem Tag
search-attachments = Nur mit Anhängen
documents-help = Geben Sie einige Wörter ein, und die Liste folgt. Öffnen Sie eine E-Mail, um sie neben der Liste zu lesen; kreuzen Sie mehrere an, um sie zusammen abzulegen. Grau heißt aufbewahrt, grün abgelegt, wie in Outlook.
hits-all = { $n ->
    [one] Eine E-Mail.
   *[other] { $n } E-Mails.
}
hits-page = { $n ->
    [one] Eine E-Mail auf dieser Seite; es gibt weitere.
   *[other] { $n } E-Mails auf dieser Seite; es gibt weitere.
}
hits-end = { $n ->
    [one] Eine E-Mail auf dieser Seite, die älteste.
   *[other] { $n } E-Mails auf dieser Seite, die ältesten.
}
list-none-newest = Unter den neuesten E-Mails passt keine. Ältere vielleicht.
tick-all = Alle auf dieser Seite ankreuzen
tick-none = Alle abwählen
list = E-Mails
list-none = Noch ist keine E-Mail aufbewahrt. Sie erscheint hier Sekunden nach dem Eingang.
list-none-found = Keine E-Mail passt. Versuchen Sie weniger Wörter oder ein anderes Postfach.
list-order = Die zuletzt archivierte steht zuerst.
found-further-on = Weiter hinten im Text gefunden oder im Namen eines Anhangs.
file-chosen = Gewählte E-Mails ablegen in Akte
file-in = Akte
choose-a-mail = Wählen Sie mindestens eine E-Mail in der Liste.
choose-an-entry = Wählen Sie mindestens einen Eintrag in der Liste.
type-a-dossier = Geben Sie die Akte ein, zu der die E-Mail gehört.
file-moves = { $n ->
    [one] Noch ist nichts abgelegt: Eine dieser E-Mails liegt in einer anderen Akte ({ $name }). Legen Sie erneut ab, um sie zu verschieben.
   *[other] Noch ist nichts abgelegt: { $n } dieser E-Mails liegen in einer anderen Akte ({ $name }). Legen Sie erneut ab, um sie zu verschieben.
}
file-conversation = Die ganze Konversation ablegen
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
mail-outer = Zurück zur E-Mail, an der sie hängt
mail-no-subject = (kein Betreff)
mail-kept = Aufbewahrt
mail-filed-in = Abgelegt in { $name }
mail-failed = Von Microsoft noch nicht ausgegeben
mail-tries = { $n ->
    [0] greffe bittet gleich noch einmal darum.
    [one] greffe hat einmal darum gebeten.
   *[other] greffe hat { $n }-mal darum gebeten.
}
mail-next-try = greffe versucht es von selbst noch einmal: { $name }.
mail-given-up = greffe versucht es nicht mehr von selbst. Öffnen Sie die E-Mail in Outlook: Wenn sie sich dort öffnen lässt, versuchen Sie es hier noch einmal. Hilft das nicht, melden Sie es Ihrem Anbieter.
mail-gone = Vor dem Lesen gelöscht
mail-erased = Auf Verlangen gelöscht
mail-removed = Als unerwünscht entfernt
mail-expired = Abgelaufen: die Aufbewahrungsfrist ist um
mail-from = Von
mail-to = An
mail-cc = Kopie
mail-date = Datum
mail-text = Text der E-Mail
found-in-text = Im Text gefunden
attachments = Anhänge
attachment-read = Lesen
images-withheld = Bilder aus dem Web werden nicht geladen, weil sie dem Absender zeigen, wann Sie lesen.
images-show = Trotzdem laden
mail-is-cut = Diese E-Mail ist länger als das, was hier steht. Das Original enthält alles.
evidence = Nachweis
evidence-since = Unverändert aufbewahrt seit { $name }.
evidence-until = Sie wird bis { $name } aufbewahrt.
evidence-number = Sie hat die Nummer { $n } im Protokoll Ihrer Kanzlei.
evidence-not-yet = Sie ist Nummer { $n } der Ereignisse Ihrer Kanzlei. Innerhalb einer Viertelstunde steht sie im Protokoll; erst dann lässt sich der Nachweis herunterladen.
original = Original herunterladen

proof = Nachweis herunterladen
proof-what = Eine Datei, mit der jeder ohne greffe prüft, dass diese E-Mail unverändert ist.
connectors = Verbindungen
people = Personen
settings = Einstellungen
settings-firm = Die Kanzlei
settings-zone-what = Zeiten und Tage auf diesen Seiten sind die dieser Zeitzone.
settings-domains-what = Die Regeln für interne E-Mails benutzen diese Liste nicht; sie nennt die Domains Ihrer Kanzlei.
settings-marks = Markierungen in Outlook
settings-marks-what = Namen und Farben der beiden Kategorien. Wählen Sie Namen, die niemand für eigene Kategorien benutzt. Eine schon markierte E-Mail behält ihre Markierung, bis sie abgelegt oder herausgenommen wird. Die Farbe gilt für Postfächer, in denen die Kategorie neu ist.
settings-received = Von aufbewahrten E-Mails
settings-filed = Von abgelegten E-Mails
settings-color = Farbe
settings-help = Was hier steht, gilt für die ganze Kanzlei. Die Sprache ist die der Markierungen und dessen, was greffe in Outlook schreibt; die Sprache dieser Seiten wählt jeder unten. Unter „Programme“ geben Sie Ihrer Anwendung ihren Schlüssel.
color-red = rot
color-orange = orange
color-brown = braun
color-yellow = gelb
color-green = grün
color-teal = blaugrün
color-blue = blau
color-purple = violett
color-grey = grau
color-dark-grey = dunkelgrau
color-black = schwarz
keys = Programme
keys-none = Noch hat kein Programm einen Schlüssel. Ihre Anwendung braucht einen, um zu sehen, was hier aufbewahrt ist.
key-new = Ein Schlüssel für ein Programm
key-name = Welches Programm
key-rights = Was es darf
key-right-read = E-Mails und Einstellungen lesen
key-right-file = E-Mails in Akten ablegen
key-right-push = Termine und Kontakte in Outlook schreiben
key-right-manage = Alles einrichten, wie Sie
key-end = Er endet am, wenn er enden soll
key-make = Den Schlüssel erstellen
key-made = Geben Sie diesen Schlüssel der Person, die das Programm einrichtet. Er wird nur dieses eine Mal gezeigt.
key-used = Zuletzt benutzt am { $name }.
key-unused = Nie benutzt.
key-ends = Er endet am { $name }.
key-revoke = Den Schlüssel widerrufen
key-revoke-what = Von da an kann das Programm hier nichts mehr. Was es getan hat, bleibt.
keys-help = Ein Schlüssel lässt eines Ihrer Programme ein, wie eine Einladung eine Person einlässt. Geben Sie jedem seinen eigenen, mit nicht mehr Rechten als nötig. Um einen zu ersetzen, erstellen Sie einen neuen, lassen das Programm ihn benutzen und widerrufen den alten.
connectors-none = Noch ist nichts verbunden. Über eine Verbindung liest greffe E-Mails in Microsoft 365.
connectors-help = Eine Verbindung ist der Weg, auf dem greffe Microsoft 365 erreicht. Sie läuft über eine Person, oder gilt für die ganze Organisation. Testen Sie sie im Zweifel: ein Test ändert nichts.
connector-help = Jemand meldet sich einmal bei Microsoft an, und greffe darf dann, was hier steht, und nicht mehr. Geht etwas nicht, testen Sie die Verbindung: Jede Zeile sagt, was es bedeutet und wer am Zug ist. Nach einer Änderung der Rechte meldet sich jemand erneut an.
connector-new-help = Über eine Person genügt zum Ausprobieren und für ein Postfach. Für die ganze Organisation ist für eine Kanzlei besser: Es geht weiter, wenn jemand ausscheidet. Sie können es später ändern, und nichts Aufbewahrtes geht verloren.
connector-needed = Braucht jemanden
connector-connected = Verbunden mit { $a } über { $b }
connector-works = Verbunden
connector-waits = Noch hat sich niemand angemeldet
connector-awaits-grant = Ihr Anbieter muss sie freigeben
connector-new = Neue Verbindung
connector-name = Name
connector-create = Verbindung anlegen
connector-change = Name und Rechte
connector-options = Was greffe außer dem Lesen von E-Mails darf
connector-may = Was greffe darf
connector-wanted = Die Änderung gilt nach der nächsten Anmeldung.
access = Art des Zugriffs
access-delegated = Über eine Person
access-delegated-what = greffe liest die Postfächer, die diese Person öffnen darf, und keine anderen. Der Zugang endet, wenn die Person geht oder diese Rechte verliert.
access-organization = Für die ganze Organisation
access-organization-what = greffe kann alle Postfächer der Organisation lesen, wer auch immer geht. Ein globaler Administrator muss zustimmen.
option-mark = Marken in Outlook
option-mark-what = Zeigt eine graue Marke auf aufbewahrten E-Mails und eine grüne auf abgelegten. Dafür darf greffe E-Mails ändern.
option-shared = Freigegebene Postfächer dieser Person
option-shared-what = Öffnet die freigegebenen Postfächer, die diese Person öffnen darf.
option-dates = Termine
option-dates-what = Schreibt Termine und Fristen in den Kalender oder in To Do.
option-contacts = Kontakte
option-contacts-what = Schreibt Kontakte in Outlook.
own-app = Ihre eigene App-Registrierung
own-app-what = Nur wenn Ihre Kanzlei in Entra eine eigene hat. Lassen Sie diese Felder sonst leer.
own-app-tenant = Verzeichnis-ID (Mandant)
own-app-client = Anwendungs-ID (Client)
own-app-secret = Wert des geheimen Clientschlüssels
connect-microsoft = Bei Microsoft anmelden
connect-again = Noch einmal bei Microsoft anmelden
connect-send = Den Link jemand anderem senden
connect-send-what = Wer ihn öffnet, meldet sich bei Microsoft an und verbindet. Er gilt einen Tag und nur einmal.
link = Link
validate = Test
validate-what = Probiert alles, was greffe braucht, und entfernt, was dafür angelegt wurde. Das dauert höchstens eine halbe Minute.
validate-do = Verbindung testen
validate-good = Alles funktioniert.
validate-bad = Etwas funktioniert nicht. Unten steht was, und wer am Zug ist.
check-works = funktioniert
check-fails = funktioniert nicht
check-runs = wird getestet
check-not-needed = nicht nötig
check-token = Erlaubnis
check-profile = Wer verbunden ist
check-folders = Ordner
check-mail = E-Mails lesen
check-mark = Marken
check-notifications = Meldungen neuer E-Mails
check-calendar = Kalender
check-tasks = To Do
check-contacts = Kontakte
check-secret = Geheimnis der App
change = Ändern
store = Speichern
secret-new = Neuer geheimer Schlüssel
secret-new-what = Fügen Sie den Wert des neuen Schlüssels ein. greffe testet ihn, bevor er den alten ersetzt.
secret-test = Testen und ersetzen

mailbox-new = Postfach hinzufügen
mailbox-new-what = greffe prüft sofort, ob es das Postfach öffnen darf. Nichts wird aufbewahrt, bevor Sie es einschalten.
mailbox-connector = Verbindung
mailbox-address = Adresse
mailbox-kind = Art
mailbox-kind-user = Einer Person
mailbox-kind-shared = Freigegeben, wie info@
mailbox-add = Hinzufügen
mailbox-of-member = Wessen Postfach
mailbox-by-address = nach der Adresse unten
mailbox-of-member-what = Bei einem Mitglied folgen Adresse und Verbindung aus der Verknüpfung. Sonst geben Sie die Adresse ein.
mailbox-new-help = Ein Postfach gehört einer Person oder ist freigegeben, etwa info@. Nichts wird aufbewahrt, bevor Sie Ordner gewählt und es eingeschaltet haben. Darf greffe es nicht öffnen, sagt diese Seite, was fehlt.
mailboxes-first = Verbinden Sie zuerst Microsoft 365.
folders = Ordner
folders-which = Welche Ordner werden aufbewahrt?
folders-find = Einen Ordner nach seinem Namen suchen
folders-find-do = Suchen
folders-find-end = Alle Ordner zeigen
folders-find-none = Kein Ordner hat das in seinem Namen.
folders-part = Ordner { $a } von { $b }
folders-next = Nächste Ordner
folders-previous = Vorige Ordner
folders-see = Ansehen, was das ergibt
folders-store = Diese Wahl speichern
folders-choose = Ordner wählen
folders-not-current = Microsoft antwortet im Moment nicht. Dies sind die Ordner, wie greffe sie zuletzt sah.
folders-help = Haken Sie die Ordner an, deren E-Mails aufbewahrt werden sollen. Bevor etwas gespeichert wird, sehen Sie, was Ihre Wahl ergibt. Entwürfe, gelöschte und unerwünschte E-Mails werden nie aufbewahrt.
mode-include = Nur die angehakten Ordner
mode-include-what = Ordner, die später angelegt werden, werden nicht aufbewahrt.
mode-exclude = Alle Ordner bis auf die angehakten
mode-exclude-what = Was unter einem angehakten Ordner liegt, entfällt auch. Ordner, die später angelegt werden, werden aufbewahrt.
mode-all = Alle Ordner
mode-all-what = Ordner, die später angelegt werden, werden auch aufbewahrt.
folder-mixed = darunter sind einige angehakt
folder-below-all = mit allem darunter
folder-below-some = mit einem Teil darunter
folder-below-none = ohne die darunter
folder-covered = mit dem Ordner darüber weggelassen
folders-tick-below = Auch ankreuzen, was unter den angekreuzten Ordnern liegt
folder-never = wird nie aufbewahrt
outcome-folders = { $n ->
    [0] Kein Ordner würde aufbewahrt.
    [one] Ein Ordner würde aufbewahrt.
   *[other] { $n } Ordner würden aufbewahrt.
}
outcome-mails = { $n ->
    [0] Jetzt liegt dort keine E-Mail.
    [one] Jetzt liegt dort eine E-Mail.
   *[other] Jetzt liegen dort { $n } E-Mails.
}
outcome-new = Aufbewahrt werden nur E-Mails, die nach dem Einschalten eingehen, und ältere, die Sie hineinziehen.
rules = Regeln
rules-change = Regeln ändern
rules-see = Ansehen, was sie ausgelassen hätten
rules-would = { $n ->
    [one] Diese Regeln hätten eine aufbewahrte E-Mail ausgelassen:
   *[other] Diese Regeln hätten diese { $n } aufbewahrten E-Mails ausgelassen:
}
rules-would-none = Diese Regeln hätten keine aufbewahrte E-Mail ausgelassen.
rules-would-more = Nur die neuesten E-Mails wurden angesehen.
rules-help = Regeln entscheiden über E-Mails, die von jetzt an kommen. Was aufbewahrt ist, bleibt es. Legen Sie sie fest, bevor Sie ein Postfach einschalten.
rule-internal = Interne E-Mails auslassen
rule-internal-what = Ein Kollege hat sie geschrieben, und alle Empfänger sind in Ihrer Domäne.
rule-senders = E-Mails von diesen Adressen auslassen, eine je Zeile
rule-domains = E-Mails von diesen Domänen auslassen, eine je Zeile
rule-mark = Marken in Outlook zeigen
rule-mark-what = Grau auf aufbewahrten E-Mails, grün auf abgelegten.

people-none = Noch hat hier niemand eine Rolle.
people-help = Hier steht, wer die Konsole Ihrer Kanzlei benutzen darf. Eine Rolle gilt ab dem nächsten Klick. Um jemanden einzulassen, erstellen Sie einen Link und senden ihn dieser Person.
role = Rolle
remove = Entfernen
remove-what = Die Person kommt nicht mehr hinein. Was sie getan hat, bleibt vermerkt.
invite = Jemanden einladen
invite-what = Wählen Sie, was die Person darf, und senden Sie ihr den Link.
invite-make = Link erstellen
invite-made = Senden Sie diesen Link der Person und sonst niemandem. Er wird nur dieses eine Mal gezeigt.
invite-until = Er gilt bis { $name }, für ein Konto.

first-title = Fünf Schritte bis zur ersten aufbewahrten E-Mail
first-connect = Microsoft 365 verbinden
first-connect-what = Jemand meldet sich bei Microsoft an und stimmt zu.
first-mailbox = Ein Postfach hinzufügen
first-mailbox-what = Ihres, das eines Kollegen, oder ein freigegebenes.
first-folders = Seine Ordner wählen
first-folders-what = Nur was Sie wählen, wird aufbewahrt.
first-rules = Die Regeln ansehen
first-rules-what = Was soll ausgelassen werden? Vorher ist das leichter als nachher.
first-activate = Einschalten
first-activate-what = Von da an werden neue E-Mails aufbewahrt.
first-done = erledigt
first-do = Weiter

members = Mitglieder
members-none = Noch ist niemand verknüpft. Verknüpfen Sie die Personen, deren Outlook Termine und Kontakte zeigen soll.
members-help = Ein Mitglied ist eine Person Ihrer Kanzlei, verknüpft mit ihrem Konto bei Microsoft. greffe schreibt Termine und Kontakte in ihr Outlook, wie Ihre Anwendung sie schickt. Testen Sie einen Dienst, wenn dort etwas fehlt.
member-help = Hier steht, was greffe in das Outlook dieser Person gesetzt hat und was wartet. Schalten Sie Termine und Kontakte ein oder aus; was ausgeschaltet ist, wird wieder herausgenommen. Fehlt dort etwas, testen Sie diesen Dienst.
member-new-help = Verknüpfen Sie eine Person Ihrer Kanzlei mit ihrem Konto bei Microsoft. Nichts wird in ihr Outlook geschrieben, bevor Sie es auf der nächsten Seite einschalten. Über die Verbindung einer Person kann nur diese Person verknüpft werden.
member-new = Mitglied verknüpfen
member-link = Verknüpfen
member-nothing = In dieses Outlook wird nichts geschrieben
member-state = Was in diesem Outlook steht
member-what = Was greffe dort schreibt
member-target = Termine kommen in
target-calendar = den Kalender
target-todo = To Do
member-compared = Zuletzt verglichen am { $name }.
preview-do = Sehen, was greffe jetzt ändern würde
preview-none = Nichts: In diesem Outlook steht alles, wie es soll.
preview-some = { $n ->
    [one] Ein Unterschied. Das Ansehen ändert nichts; greffe berichtigt ihn von selbst.
   *[other] { $n } Unterschiede. Das Ansehen ändert nichts; greffe berichtigt sie von selbst.
}
preview-missing = würde geschrieben
preview-unwanted = würde herausgenommen
preview-gone = wurde in Outlook gelöscht und würde neu geschrieben
preview-altered = wurde in Outlook geändert und würde berichtigt
preview-outdated = würde aktualisiert
switched-off = ausgeschaltet
copies-placed = { $n ->
    [0] noch nichts.
    [one] ein Eintrag.
   *[other] { $n } Einträge.
}
copies-waiting = { $n ->
    [one] Einer wartet noch.
   *[other] { $n } warten noch.
}
copies-failed = { $n ->
    [one] Einer ist fehlgeschlagen.
   *[other] { $n } sind fehlgeschlagen.
}

entries = Termine und Kontakte
entries-of = Von
entries-of-all = allen
show = Anzeigen
entries-none = Hier ist noch nichts. Ihre Anwendung sendet Termine und Kontakte; sie erscheinen hier mit ihrem Stand in jedem Outlook.
entries-chosen = Die gewählten: Mitglied
entries-give = Diesem Mitglied geben
entries-take = Diesem Mitglied nehmen
entries-more = Mehr
entries-done = { $n ->
    [one] Ein Eintrag ist geändert. Outlook folgt innerhalb einer Minute.
   *[other] { $n } Einträge sind geändert. Outlook folgt innerhalb einer Minute.
}
entries-refused = { $n ->
    [one] Einer wurde abgelehnt.
   *[other] { $n } wurden abgelehnt.
}
entries-help = Hier steht, was Ihre Anwendung gesendet hat und in wessen Outlook es ist. Wählen Sie Einträge und ein Mitglied, um sie dieser Person zu geben oder zu nehmen. Texte und Zeiten ändern Sie in Ihrer Anwendung.
entry-nobody = In keinem Outlook.
date-appointment = Termin
date-deadline = Frist
date-reminder = Erinnerung
contact-person = Person
contact-organisation = Organisation
copy-current = in Outlook
copy-waiting = unterwegs
copy-failed = nicht in Outlook

webhooks = Webhooks
webhooks-none = Ihre Anwendung erfährt noch nichts von selbst. Sie kann jederzeit abfragen, was geschehen ist.
webhooks-help = Ein Webhook ist eine Adresse Ihrer Anwendung. greffe sendet dorthin, was geschieht, signiert, der Reihe nach und bis es angenommen ist. Der Entwickler Ihrer Anwendung kennt die Adresse.
webhook-help = Jede Zeile ist ein Versuch. Antwortet die Adresse nicht, versucht greffe es einen Tag lang mit längeren Pausen wieder; dann hört es auf und sagt es. Inzwischen geht nichts verloren.
webhook-new = Adresse hinzufügen
webhook-url = Adresse
webhook-add = Hinzufügen
webhook-works = Funktioniert
webhook-failing = Antwortet im Moment nicht
webhook-paused = Angehalten
webhook-stopped = Beendet; jemand muss handeln
webhook-tries = Seit { $a }. Nächster Versuch: { $b }.
webhook-all-types = Alles, was geschieht, wird gesendet.
webhook-test = Test senden
webhook-pause = Anhalten
webhook-go-on = Fortsetzen
webhook-secret = Geheimnis
webhook-secret-made = Kopieren Sie das Geheimnis jetzt in Ihre Anwendung. Es wird nur dieses eine Mal gezeigt.
webhook-secret-new = Neues Geheimnis
webhook-secret-what = Einen Tag lang werden Ereignisse mit dem alten und dem neuen Geheimnis signiert; es geht nichts verloren, während Sie es ändern.
webhook-remove-what = An diese Adresse wird nichts mehr gesendet. Was geschehen ist, kann weiter abgefragt werden.
mailbox-remove-what = greffe liest dieses Postfach nicht mehr. Was aufbewahrt ist, bleibt und kann gefunden und abgelegt werden. Sie können das Postfach wieder hinzufügen.
connector-remove-what = greffe gibt seinen Zugriff auf. Die Postfächer dieser Verbindung werden angehalten, und auf diesem Weg kommt nichts mehr nach Outlook. Was aufbewahrt ist, bleibt.
member-remove-what = greffe trägt in dieses Outlook keine Termine und Kontakte mehr ein und entfernt die eingetragenen. Das Postfach und seine E-Mails bleiben.
deliveries = Letzte Zustellungen
deliveries-none = Es wurde noch nichts gesendet.
delivery-answer = Antwort
delivery-test = Test
delivery-again = Erneut senden
delivery-again-number = Nummer { $n } erneut senden
delivery-timed-out = keine Antwort in der Zeit
delivery-not-public = keine öffentliche Adresse
delivery-unreachable = nicht erreichbar

audit = Prüfprotokoll
audit-none = Es wurde noch nichts getan.
audit-help = Hier steht, wer was getan und wer welche Mail gelesen hat. Jede Handlung wird notiert, bevor sie geschieht. Niemand kann einen Eintrag ändern oder löschen: greffe würde es sehen.
audit-broken = Ein Eintrag des Prüfprotokolls wurde geändert oder entfernt.
audit-broken-what = Melden Sie es Ihrem Anbieter. Die anderen Einträge sind, wie sie geschrieben wurden.
when = Wann
who = Wer
what = Was
outcome = Ergebnis
outcome-done = getan
outcome-refused = abgelehnt
outcome-open = begonnen, Ergebnis unbekannt
audit-again = Noch einmal versuchen
reason-wrong = ein Feld passte nicht
reason-role = die Rolle oder der Schlüssel erlaubt es nicht
reason-absent = es war nicht da
reason-stood = der Stand in dem Moment erlaubte es nicht
reason-overtaken = jemand anders war schneller
reason-microsoft = Microsoft lehnte es ab
reason-busy = zu viel auf einmal
reason-down = greffe oder Microsoft antwortete nicht
actor-operator = Ihr Anbieter
actor-key = Programm „{ $name }“
actor-former-key = Ein Programm, dessen Schlüssel widerrufen ist
actor-visitor = Jemand ohne Konto
did-sign-in = hat sich bei Microsoft angemeldet
did-proof = hat einen Nachweis heruntergeladen
did-unfile = hat Mail aus einer Akte genommen
did-file = hat Mail abgelegt
did-retry = ließ Mail noch einmal anfordern
did-read = hat Mail gelesen
did-activate = hat ein Postfach eingeschaltet
did-pause = hat ein Postfach angehalten
did-folders = hat Ordner gewählt
did-rules = hat Regeln geändert
did-folder-dossiers = ließ einen Ordner für eine Akte stehen oder beendete das
did-grant-history = hat ältere Mail freigegeben oder das zurückgenommen
did-reconcile = hat ein Postfach prüfen lassen
did-mailbox-add = hat ein Postfach hinzugefügt
did-mailbox-remove = hat ein Postfach entfernt
did-mailbox = hat ein Postfach geändert
did-validate = hat eine Verbindung getestet
did-secret = hat ein Geheimnis oder Zertifikat geändert
did-connector-remove = hat eine Verbindung entfernt
did-connector = hat eine Verbindung angelegt oder geändert
did-member-test = hat ein Mitglied getestet
did-member-remove = hat ein Mitglied entfernt
did-member = hat ein Mitglied verknüpft oder geändert
did-dates = hat Termine geändert
did-contacts = hat Kontakte geändert
did-key-remove = hat einen Schlüssel widerrufen
did-key = hat einen Schlüssel angelegt
did-webhook = hat einen Webhook angelegt, geändert oder benutzt
did-people = hat geändert, wer eintreten darf
did-marks = hat die Markierungen geändert
did-firm = hat die Einstellungen der Kanzlei geändert
did-other = hat etwas anderes getan

check = Ist alles da?
check-running = Die Ordner werden mit dem Aufbewahrten verglichen.
check-never = Die Ordner wurden noch nicht verglichen. Das geschieht jeden Tag von selbst.
check-complete = Zuletzt verglichen am { $a }: Von den { $b } E-Mails, die in den Ordnern lagen und mehr als fünf Minuten vorher angekommen waren, fehlt keine.
check-found = Zuletzt verglichen am { $a }: { $b } E-Mails fehlten; sie sind jetzt oder bald aufbewahrt.
check-would = Zuletzt verglichen am { $a }: { $b } E-Mails fehlen.
check-what = greffe vergleicht die gewählten Ordner mit dem Aufbewahrten und bewahrt auf, was fehlt. Es kann auch nur nachsehen.
check-do = Jetzt vergleichen
check-look = Nur nachsehen
check-folders-each = Ordner für Ordner
check-listed = Im Ordner
check-due = Aufzubewahren
check-missing = Fehlt
folder = Ordner
folder-dossiers = Ordner, die für eine Akte stehen
folder-dossiers-what = greffe legt die E-Mails eines solchen Ordners in seiner Akte ab, auch was jemand später dorthin verschiebt. Eine E-Mail, die herausgeschoben wird, kommt aus der Akte.
folder-dossiers-none = Kein Ordner dieses Postfachs steht für eine Akte.
folder-dossiers-some = { $n ->
    [one] E-Mails in einem Ordner werden abgelegt in:
   *[other] E-Mails in { $n } Ordnern werden abgelegt in:
}
folder-dossiers-change = Diese Ordner ändern
folder-dossiers-kept-only = Nur Ordner, deren E-Mails aufbewahrt werden, stehen zur Wahl. Lassen Sie einen anderen Ordner zuerst aufbewahren:
folder-dossiers-set = Einen Ordner für eine Akte stehen lassen
folder-dossiers-help = Wählen Sie einen Ordner des Postfachs und die Akte, für die er steht. Wer in Outlook eine E-Mail in den Ordner verschiebt, legt sie ab; diese Seite braucht dafür niemand. Wenn Sie es beenden, bleibt abgelegt, was abgelegt ist.
folder-dossier-new = Ein weiterer Ordner
folder-in-outlook = Ordner in Outlook
folder-dossier-end = Beenden
folder-unknown = Ein Ordner, den es nicht mehr gibt oder der gerade nicht zu lesen ist
folder-choices-more = { $n ->
    [one] Der erste Ordner steht in der Liste. Suchen Sie andere nach ihrem Namen.
   *[other] Die ersten { $n } Ordner stehen in der Liste. Suchen Sie andere nach ihrem Namen.
}
grant = Frühere E-Mails
grant-none = Es sind keine älteren E-Mails freigegeben.
grant-since = Ihr Anbieter hat E-Mails ab { $name } freigegeben.
grant-between = Ihr Anbieter hat E-Mails vom { $a } bis { $b } freigegeben.
grant-keep = E-Mails ab diesem Tag aufbewahren
grant-keep-do = Ältere E-Mails aufbewahren
grant-from = Von
grant-until = Bis
grant-do = Freigeben
grant-revoke = Zurücknehmen
operator-firms = Kanzleien
operator-none = Es gibt noch keine Kanzlei.
operator-count = { $n ->
    [one] Eine Kanzlei.
   *[other] { $n } Kanzleien.
}
operator-count-more = Mehr als { $n } Kanzleien.
operator-state = greffe selbst
operator-version = Die API antwortet: Version { $name }.
operator-app = Ihre App-Registrierung
operator-app-ended = ihre Anmeldedaten sind am { $name } abgelaufen. Ersetzen Sie sie.
operator-app-unknown = es ist nicht bekannt, wann ihre Anmeldedaten ablaufen.
operator-state-what = Worauf eine Kanzlei wartet, steht auf ihrer Startseite, auch wenn Sie am Zug sind. Wie viel zu tun ist und was fehlschlägt, zeigen das Dashboard und die Alarme in AWS.
operator-new = Neue Kanzlei
operator-language = Sprache
operator-zone = Zeitzone
operator-domains = Eigene Mail-Domains der Kanzlei, eine je Zeile
operator-create = Kanzlei anlegen
operator-ended = beendet am { $name }
operator-waiting = Wartet auf Sie
operator-waiting-who = { $a } verlangt die Organisation { $b }, die schon eine andere Kanzlei hat.
operator-waiting-what = Geben Sie nur frei, wenn beide Kanzleien zusammengehören: danach können beide die E-Mails dieser Organisation lesen.
operator-release = Freigeben
operator-help = Legen Sie eine Kanzlei an und lassen Sie dann ihren ersten Administrator durch einen Link ein. Die E-Mails einer Kanzlei gehören ihr: was Sie dort lesen, steht in ihrem Prüfprotokoll.

# What one page needs beside the others.
audit-older = Früher
did-list = sah die Liste der E-Mails an
grant-what = Geben Sie E-Mails dieser Tage frei. Ein Administrator der Kanzlei wählt danach, ab wann sie aufbewahrt werden.
member-test-what = Versucht einen Dienst in diesem Outlook und löscht, was für den Test angelegt wurde.
member-test-all = Alles testen
documents-all = Alle E-Mails
proposals = Vorschläge
proposals-what = Diese E-Mails wurden von Kontakten einer einzigen Akte geschrieben oder empfangen und noch nie abgelegt. Nehmen Sie an, was stimmt, und wählen Sie den Rest ab.
proposals-none = Keine E-Mail wartet auf eine Akte. Ihre Anwendung sendet Kontakte mit ihren Akten; E-Mails dieser Personen erscheinen hier.
proposals-none-here = Keine dieser E-Mails lässt sich vorschlagen. Ältere vielleicht.
proposals-accept = Die ausgewählten E-Mails ablegen
proposals-help = Eine E-Mail wird für eine Akte vorgeschlagen, wenn alle außerhalb Ihrer Kanzlei, die sie geschrieben oder erhalten haben, zu dieser Akte gehören. Nichts wird abgelegt, bevor Sie zustimmen, außer Sie machen es unten zur Regel. Was Sie aus einer Akte herausnehmen, wird nicht wieder vorgeschlagen.
unarchived = Nicht archiviert
unarchived-link = Nicht archivierte E-Mails noch einmal versuchen
unarchived-what = Microsoft hat diese E-Mails nicht herausgegeben; sie sind noch nicht im Archiv. greffe versucht es bei jeder etwa zehn Tage lang von selbst.
unarchived-none = Es fehlt keine E-Mail: Microsoft hat alles herausgegeben, was aufzubewahren war.
unarchived-all = Alle noch einmal versuchen
unarchived-again = Noch einmal versuchen: { $name }
unarchived-retried = { $n ->
    [one] greffe bittet Microsoft noch einmal um eine E-Mail.
   *[other] greffe bittet Microsoft noch einmal um { $n } E-Mails.
}
unarchived-refused = { $n ->
    [one] Eine E-Mail konnte nicht noch einmal versucht werden.
   *[other] { $n } E-Mails konnten nicht noch einmal versucht werden.
}
unarchived-help = Das sind die E-Mails aller Postfächer, die Microsoft nicht herausgegeben hat. Versuchen Sie es noch einmal, wenn die Ursache behoben ist, etwa nach einer Störung bei Microsoft. Eine E-Mail, die angekommen ist, verschwindet innerhalb einer Minute aus dieser Liste.
filing-rules = Was greffe von selbst ablegt
filing-by-contact = Neue E-Mails nach ihren Kontakten ablegen
filing-by-contact-what = Eine neue E-Mail, die für eine Akte vorgeschlagen würde, wird dort sofort abgelegt. E-Mails, die schon da sind, bleiben Vorschläge.
filing-replies = Antworten bei ihrer Unterhaltung ablegen
filing-replies-what = Wenn Sie eine ganze Unterhaltung ablegen, kommen spätere E-Mails in dieselbe Akte.
list-complete-to = E-Mails nach Nummer { $n } wurden nur nach Betreff und Absender durchsucht; ihre Texte werden noch gelesen. Suchen Sie in einer Minute erneut.
credential = Womit greffe sich bei Microsoft ausweist
credential-what = Ihre App-Registrierung nimmt greffe mit einem Geheimnis an, mit einem Zertifikat oder ohne beides. Ein neuer Nachweis wird geprüft, bevor er den alten ersetzt.
credential-federated-now = Sie braucht kein Geheimnis: nichts läuft ab.
credential-renewing = Sie wird seit { $name } erneuert.
secret-end = Es läuft ab am, falls Sie es wissen
renew = Jetzt erneuern
renew-what = greffe legt bei Microsoft ein neues Geheimnis an und wechselt dazu. Die App-Registrierung braucht das Recht, sich selbst zu ändern.
renew-do = Ein neues Geheimnis anlegen und verwenden
certificate = Ein Zertifikat statt eines Geheimnisses
certificate-what = greffe erzeugt ein Schlüsselpaar. Sie laden das Zertifikat in Entra hoch, oder greffe tut es; der private Schlüssel verlässt greffe nie.
certificate-add = greffe registriert es bei Microsoft
certificate-add-what = Nur wenn die App-Registrierung sich selbst ändern darf.
certificate-make = Ein Zertifikat erzeugen
certificate-made = Speichern Sie diese Zeilen als Datei, deren Name auf .pem endet, und laden Sie sie in Entra hoch: App-Registrierungen, Ihre App, Zertifikate & Geheimnisse, Zertifikate.
certificate-added = Das Zertifikat ist bei Microsoft registriert.
certificate-until = Gültig bis { $a }. Fingerabdruck (SHA-256): { $b }
certificate-use = Prüfen und verwenden
federation = Ganz ohne Geheimnis
federation-what = Amazon, wo greffe läuft, bürgt bei Microsoft für greffe. Sie tragen einmal einige Werte in Entra ein; danach läuft nichts ab.
federation-show = Die Werte zeigen
federation-values = Tragen Sie diese Werte buchstabengetreu in Entra ein: App-Registrierungen, Ihre App, Zertifikate & Geheimnisse, Verbundanmeldeinformationen. Einen Eintrag für jedes „Subject“. Warten Sie dann einige Minuten.
federation-use = Prüfen und verwenden

typed-kept = Ihre Eingaben sind nicht verloren. Sie können sie noch einmal senden.
overtaken = Inzwischen hat jemand anders dies geändert.
overtaken-what = Ihre Eingabe ist noch nicht gespeichert. Sie steht unten; was jetzt gilt, steht hier. Speichern Sie noch einmal, um es zu ersetzen.
said-saved = Gespeichert.
said-added = Hinzugefügt.
said-removed = Entfernt.
said-on = Das Postfach ist eingeschaltet.
said-paused = Es ist angehalten.
said-begun = Es hat begonnen. Was daraus wird, erscheint auf dieser Seite.
said-sent = Es wird gesendet. Was daraus wurde, erscheint unten in einigen Sekunden.
too-large-title = Das ist zu viel auf einmal
too-large-text = Es wurde nichts geändert. Gehen Sie zurück und senden Sie weniger auf einmal, etwa eine kürzere Liste.
archive-checked = Jeden Tag wird ein Teil des Archivs geprüft, zuletzt am { $name }:
archive-whole = { $n ->
    [0] darin war nichts zu prüfen.
    [one] eine E-Mail ist so, wie sie aufbewahrt wurde.
   *[other] { $n } E-Mails sind so, wie sie aufbewahrt wurden.
}
archive-findings = { $n ->
    [one] etwas ist nicht so, wie es aufbewahrt wurde. Ihr Anbieter muss handeln.
   *[other] { $n } Dinge sind nicht so, wie sie aufbewahrt wurden. Ihr Anbieter muss handeln.
}
did-erase = bat darum, E-Mails zu löschen
did-erase-confirm = bestätigte eine Löschung
did-hold = setzte oder beendete eine Aufbewahrungspflicht
did-retention = änderte, wie lange E-Mails aufbewahrt werden
erasures = Löschen und Aufbewahren
erasures-list = Was gelöscht werden sollte
erasures-none = Noch wurde nicht darum gebeten, etwas zu löschen.
erasures-help = Eine aufbewahrte E-Mail bleibt unverändert bis zum Ende ihrer Aufbewahrungsfrist, oder bis jemand hier darum bittet, sie zu löschen. Sie sehen zuerst, was verschwindet und was bleibt. Aus einer Akte mit Aufbewahrungspflicht wird keine E-Mail gelöscht.
erasure-help = Zuerst sehen Sie, was verschwände und was bleibt. Gelöscht wird erst, nachdem Sie die Zahl eingegeben haben. Wird es abgelehnt, sagt die Seite, was dagegen steht; beheben Sie das und beantragen Sie es erneut.
erasure-new = E-Mails löschen
erasure-new-what = Noch wird nichts gelöscht: Zuerst sehen Sie, was verschwinden würde und was bleibt, dann bestätigen Sie.
erasure-asked = Erbeten am { $a } von { $b }:
erasure-requested = greffe sieht nach, was verschwinden würde. Das dauert höchstens eine Minute.
erasure-previewed = Wartet auf Ihre Bestätigung
erasure-confirmed = Es wird gelöscht. Das dauert einige Minuten, denn ein zweiter Durchgang prüft, dass nichts übrig ist.
erasure-locked = Abgelehnt: Eine E-Mail ist im Archiv bis { $name } gesperrt. Bitten Sie danach noch einmal darum.
erasure-held = Abgelehnt: Eine E-Mail gehört oder gehörte zu einer Akte mit Aufbewahrungspflicht. Beenden Sie diese zuerst.
erasure-active = Abgelehnt: Das Postfach empfängt noch E-Mails. Halten Sie es zuerst an, oder entfernen Sie es.
erasure-pushed = Abgelehnt: Termine oder Kontakte dieses Mitglieds stehen in Outlook. Schalten Sie beides zuerst aus.
erasure-firm-goes-on = Abgelehnt: Die Kanzlei ist nicht gelöscht.
erasure-unknown = Abgelehnt: Davon ist nichts aufbewahrt.
erasure-as-asked = Nichts zu tun: Keine E-Mail ist abgelaufen, und keine wird länger aufbewahrt, als die Fristen sagen.
erasure-refused = Abgelehnt.
erasure-done = Gelöscht am { $name }.
erasure-done-mails = { $n ->
    [one] Eine E-Mail ist weg.
   *[other] { $n } E-Mails sind weg.
}
erase-one = Eine E-Mail löschen
erase-chosen = { $n ->
    [one] Eine ausgewählte E-Mail löschen
   *[other] { $n } ausgewählte E-Mails löschen
}
erase-chosen-more = { $n ->
    [one] und eine weitere
   *[other] und { $n } weitere
}
erase-firm = Die ganze Kanzlei löschen
erase-sender = Die E-Mails eines Absenders löschen
erase-sender-of = Die E-Mails von { $name } löschen
erase-sender-what = Alle aufbewahrten E-Mails einer Adresse, wie news@laden.example, oder einer Domain, wie @laden.example.
erase-sender-address = Adresse, oder @ und eine Domain
erase-rules = Löschen, was die Regeln heute auslassen würden
erase-rules-what = Aufbewahrte E-Mails eines Postfachs, die seine Regeln nicht mehr aufbewahren würden. Ändern Sie zuerst die Regeln, und sehen Sie nach, was sie auslassen würden.
erase-retention = Aufbewahrungsfristen anwenden
erase-retention-what = Was von E-Mails übrig ist, deren Frist um ist, wird gelöscht: Betreff, Absender und Akte. E-Mails, die länger aufbewahrt werden, als die Fristen sagen, werden von da an kürzer aufbewahrt.
erase-mailbox = Ein Postfach mit allen E-Mails löschen
erase-mailbox-what = Nur wenn es angehalten oder entfernt ist. In Outlook ändert sich nichts.
erase-member = Ein Mitglied löschen
erase-member-what = Das Mitglied und die Postfächer seiner Adressen. Nur wenn nichts mehr in sein Outlook geschrieben wird.
erase-way-mails = Einzelne E-Mails löschen
erase-way-mails-what = Öffnen Sie eine E-Mail und wählen Sie „Diese E-Mail löschen“, oder kreuzen Sie mehrere in der Liste an.
erase-one-do = Diese E-Mail löschen
erase-chosen-do = Die angekreuzten E-Mails löschen
erase-rules-do = Löschen, was die Regeln auslassen würden
erase-mailbox-do = Dieses Postfach löschen
erase-member-do = Dieses Mitglied löschen
erasure-by = Wer hat darum gebeten?
erasure-reason = Warum?
erasure-record-what = Beides bleibt für immer im Prüfprotokoll. Nennen Sie nicht mehr, als ein Prüfer braucht.
erasure-see = Ansehen, was verschwinden würde
erasure-final = Niemand kann das danach zurückholen.
erasure-type = { $n ->
    [one] Geben Sie zur Bestätigung die Zahl der E-Mails ein, die verschwinden: { $n }
   *[other] Geben Sie zur Bestätigung die Zahl der E-Mails ein, die verschwinden: { $n }
}
erasure-wrong = Nichts wurde gelöscht: Die Zahl ist { $n }.
erasure-confirm = Für immer löschen
erasure-leave = Alles so lassen
erasure-again = Noch einmal bitten
fate-goes = Das verschwindet für immer
fate-mails = { $n ->
    [0] Keine E-Mail.
    [one] Eine E-Mail mit ihren Anhängen.
   *[other] { $n } E-Mails mit ihren Anhängen.
}
fate-shortened = { $n ->
    [one] Eine E-Mail wird von da an kürzer aufbewahrt. Sie wird gelöscht, wenn ihre Frist um ist.
   *[other] { $n } E-Mails werden von da an kürzer aufbewahrt. Sie werden gelöscht, wenn ihre Frist um ist.
}
fate-index = Betreff, Personen, Akte und Wörter jeder E-Mail: Niemand findet sie hier mehr, und sie wird nicht noch einmal aufbewahrt.
fate-more = Es sind mehr, als auf einmal gelöscht werden können. Bitten Sie danach noch einmal darum.
fate-stays = Das bleibt, und warum
fate-outlook = Die E-Mails in Outlook. greffe löscht dort nichts.
fate-log = Eine Nummer, eine Zeit und eine Prüfsumme jeder E-Mail im Protokoll. Niemand kann daraus eine E-Mail lesen; ohne sie wären die anderen E-Mails nicht mehr zu beweisen.
fate-record = Wer warum und wann darum bat: So lässt sich später zeigen, dass es richtig war.
fate-elsewhere = Kopien in Ihrer Anwendung, in Dateien, die jemand heruntergeladen hat, und bis zu 35 Tage in den Sicherungen Ihres Anbieters.
holds = Aufbewahrungspflicht
holds-what = Eine E-Mail, die in einer solchen Akte ist oder je war, kann nicht gelöscht werden, solange die Pflicht besteht.
hold-set = Unter Aufbewahrungspflicht stellen
hold-lift = Aufbewahrungspflicht beenden
retention = Aufbewahrungsfristen
retention-what = Eine E-Mail wird so viele Jahre nach dem Ende des Jahres aufbewahrt, in dem sie einging. Dann wird sie ohne weitere Frage gelöscht, und niemand kann sie zurückholen.
retention-years-what = Ohne Zahl werden E-Mails für immer aufbewahrt.
retention-default = Jahre für alle E-Mails
retention-class = Klasse von Akten
retention-class-new = Weitere Klasse, etwa Steuersachen
retention-class-years = Jahre für diese Klasse, wenn das länger ist
retention-save = Fristen speichern
retention-dossiers = Akten in einer Klasse
retention-dossiers-what = Die E-Mails einer solchen Akte werden für die Frist ihrer Klasse aufbewahrt.
retention-no-class = Keine Klasse
retention-put = Akte in die Klasse setzen
retention-help = Eine längere Frist gilt innerhalb von etwa einer halben Stunde auch für schon aufbewahrte E-Mails. Eine kürzere gilt nur für neue; für die anderen löschen Sie nach den Aufbewahrungsfristen. Eine Akte mit Aufbewahrungspflicht behält ihre E-Mails für immer: setzen Sie die Pflicht, bevor das Jahr endet.
typed-wrong = Eine Ihrer Angaben passt nicht.
typed-wrong-what = Es wurde nichts geändert.
field-wrong = „{ $name }“ passt nicht.
field-line-wrong = „{ $a }“: Zeile { $b } passt nicht.
hint-address = Hier gehört eine E-Mail-Adresse hin, etwa name@kanzlei.example.
hint-party = Hier gehört eine E-Mail-Adresse hin, oder @ und eine Domain, etwa @laden.example.
hint-domain = In jede Zeile gehört eine Domain, etwa laden.example.
hint-url = Hier gehört eine Adresse hin, die mit https:// beginnt und vom Internet aus erreichbar ist.
hint-text = Es darf nicht leer sein und hat höchstens 200 Zeichen.
hint-years = Hier gehört eine Zahl von Jahren hin, oder nichts für immer. Jede Klasse hat einen eigenen Namen.
hint-day = Hier gehört ein Tag hin, etwa 2026-03-02.
hint-id = Kopieren Sie es noch einmal aus Entra: Es hat 36 Zeichen.
hint-zone = Hier gehört der Name einer Zeitzone hin, etwa Europe/Brussels.
hint-chosen = Wählen Sie es noch einmal aus der Liste: Vielleicht wurde es inzwischen entfernt.
