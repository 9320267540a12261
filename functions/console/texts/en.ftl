# The console in English. The other catalogues have the same keys; a test holds them together.
skip = To the content
sections = Sections
languages = Languages
home = Home
documents = Mail
mailboxes = Mailboxes
operator = Operator
sign-out = Sign out
firms-other = Another firm
details = In Microsoft's or greffe's own words
help = Help
help-guide = More in the guide (new tab)
guide = Guide for administrators
guide-contents = Contents
guide-english = The guide is in English.
open = Open
to-start = To the start
as-table = As a table

sign-in-title = Sign in
sign-in-text = Use your work account at Microsoft. greffe learns who you are, and nothing else.
sign-in-button = Sign in with Microsoft
invited-title = { $name } invites you
invited-text = Sign in with the account that you want to use here. The link is then yours alone.
role-administrator = Administrator
role-clerk = Clerk
role-reader = Reader
role-administrator-may = You will be able to set everything up, and to read and file mail.
role-clerk-may = You will be able to read mail and to file it.
role-reader-may = You will be able to read mail.
operator-title = Open the console as the operator
operator-text = The link works once. Your session ends after an hour.
operator-button = Open the console
unusable-title = This link can't be used
unusable-text = It is too old, it was used already, or a part of it is missing. Ask for a new one, or sign in if you were here before.
firms-title = Choose a firm
firms-none = You are signed in as { $name }, and no firm has let you in yet. Ask the administrator of your firm for an invitation.

not-found-title = There is no such page
not-found-text = It may have been removed, or it belongs to a firm that you may not enter.
forbidden-title = Your role does not allow this
forbidden-text = Ask the administrator of your firm to do it, or to give you another role.
broken-title = This did not work
broken-text = The fault is ours, and it is noted. Try again in a minute.
foreign-title = This form came from another site
foreign-text = Nothing was changed. Open the page here, and send the form from there.
once-more-title = Your session had ended
once-more-kept = Nothing that you typed is lost, and nothing has been changed yet.
once-more-secret = Nothing has been changed yet. For safety, greffe keeps no client secret that was typed: open the form again and type it once more.
once-more-send = You are signed in again. Send the form once more.
once-more-sign-in = Sign in again in a new tab. Then come back here and send the form once more.
once-more-tab = Sign in in a new tab
once-more-button = Send once more

who-operator = Your provider's turn
who-firm-administrator = Your turn
who-your-administrator = The turn of your firm's administrator
who-tenant-administrator = The turn of your Microsoft 365 administrator
who-app-owner = The turn of the owner of the app registration
who-user = The turn of the connected account
who-integrator = The turn of the developer
who-nobody = Nobody has to act
turn-and-action = { $a }: { $b }

home-needs = What needs someone
home-nothing = Nothing needs anyone at the moment.
home-in = Is everything in?
home-in-yes = Yes. All mail of the chosen folders is kept, as of { $name }.
home-in-no = Not yet, or not surely: the table says which mailbox waits.
home-no-mailbox = No mailbox is set up yet.
home-chart = Mail kept each day
home-secrets = Secrets that end soon
home-help = At the top stands what somebody has to do, with one button for each. Below you see whether all mail is in. If nothing stands at the top, you have nothing to do.
need-connect = “{ $name }” is not connected yet.
need-connect-how = Sign in at Microsoft, or send the link to the person who may.
need-activate = { $name } is set up, but no mail is kept yet.
need-activate-how = Check its folders and rules, then switch it on.
need-paused = { $name } is paused: nothing is read.
need-paused-how = What came meanwhile is kept once you switch it on again.
need-member = { $n ->
    [one] One date or contact is not in { $name }'s Outlook.
   *[other] { $n } dates and contacts are not in { $name }'s Outlook.
}
need-member-how = Open the entries of this person: each says why, and whose turn it is.
need-members-more = Perhaps the Outlook of other members lacks something, too.
need-members-more-how = This page looks at the newest failures only. Open a member to see how theirs is.
need-webhook-failing = Your application does not take what greffe posts to { $name }.
need-webhook-paused = Nothing is posted to { $name }: it is paused.
need-webhook-how = Let it go on once your application is ready.
need-erasure = An erasure waits for you to confirm it.
need-erasure-how = See what would go and what stays. Until then everything stays.
need-proposals = { $n ->
    [one] One mail may belong to a dossier.
   *[other] { $n } mails may belong to a dossier.
}
need-proposals-how = Look through them once, and file what is right.
secret-ends = The secret of “{ $a }” ends on { $b }.
secret-days = { $n ->
    [0] It ends today.
    [one] One day is left.
   *[other] { $n } days are left.
}
chart-mails = { $n ->
    [one] one mail
   *[other] { $n } mails
}

mailbox = Mailbox
state = State
kept = Kept
since = Since
remaining = Still to come
skipped = Skipped by your rules
there-before = There before
failed = Not given out by Microsoft
gone = Deleted before it was read
mails-kept = { $n ->
    [one] One mail kept
   *[other] { $n } mails kept
}
mailboxes-own = Of one person
mailboxes-shared = Shared
mailboxes-more = More mailboxes
mailboxes-help = A mailbox is complete when all mail of its chosen folders is kept. While it is prepared, new mail is kept already; wait with moving older mail in. Open a mailbox to see more.
mailbox-needed = Needs someone
mailbox-inactive = Not switched on
mailbox-paused = Paused
mailbox-preparing = Being prepared
mailbox-preparing-folders = Being prepared: { $a } of { $b } folders are ready
mailbox-remaining = { $n ->
    [one] One mail is still to come
   *[other] { $n } mails are still to come
}
mailbox-failed = { $n ->
    [one] One mail is not given out by Microsoft; greffe tries again
   *[other] { $n } mails are not given out by Microsoft; greffe tries again
}
mailbox-incomplete = One part waits; greffe tries again
mailbox-complete = Complete
mailbox-end = Expected end: { $name }.
since-time = Since { $name }
mailbox-what = What is kept
mailbox-activated = Mail that arrived since { $name } is kept.
folders-none = No folder is chosen yet.
folders-all = All folders.
folders-include = { $n ->
    [one] One chosen folder, and no other.
   *[other] { $n } chosen folders, and no others.
}
folders-exclude = { $n ->
    [one] All folders but one.
   *[other] All folders but { $n }.
}
rules-internal = Internal mail of the firm is skipped.
rules-senders = { $n ->
    [one] One sender is skipped.
   *[other] { $n } senders are skipped.
}
rules-domains = { $n ->
    [one] One sender domain is skipped.
   *[other] { $n } sender domains are skipped.
}
rules-none = No rule skips anything.
rules-mark = Outlook shows a grey mark on kept mail and a green one on filed mail.
rules-no-mark = Outlook shows no marks.
history-done = All older mail has been looked at.
history-running = Older mail: { $a } of { $b } looked at.
history-counting = Older mail is being counted.
mailbox-switch = Switch on
mailbox-switch-on = From now on, new mail of the chosen folders is kept. Set rules first: what was kept by mistake is harder to remove.
mailbox-go-on = What came during the pause is kept too.
mailbox-activate = Switch on
mailbox-no-folders = Choose folders first.
mailbox-help = At the top stands whether all mail of this mailbox is in, and what is still to come. Choose folders and rules first, then switch it on. A pause loses nothing: what comes meanwhile is kept afterwards.
mailbox-pause-what = During a pause nothing is read. What comes meanwhile is kept once you switch it on again.
mailbox-pause = Pause

search = Search
search-text = Words
search-from = Sender's address
search-dossier = Dossier
search-all = All mailboxes
search-mailbox = Mailbox address
search-more = More filters
search-clear = Show all mail again
search-filed = Filed or not
search-filed-no = not filed yet
search-filed-yes = filed
search-failed = not given out by Microsoft
search-direction = Received or sent
search-received = received
search-sent = sent
search-both = both
search-since = From this day
search-until = Up to this day
search-attachments = Only with attachments
documents-help = Type some words, and the list follows. Open a mail to read it beside the list; tick several to file them together. Grey is kept, green is filed, as in Outlook.
hits-all = { $n ->
    [one] One mail.
   *[other] { $n } mails.
}
hits-page = { $n ->
    [one] One mail on this page; there are more.
   *[other] { $n } mails on this page; there are more.
}
hits-end = { $n ->
    [one] One mail on this page, the oldest.
   *[other] { $n } mails on this page, the oldest ones.
}
list-none-newest = Among the newest mails none fits. Older ones may.
tick-all = Tick all on this page
tick-none = Untick all
list = Mails
list-none = No mail is kept yet. It appears here within seconds of its arrival.
list-none-found = No mail fits. Try fewer words, or another mailbox.
list-order = The last archived stands first.
found-further-on = Found further on in the text, or in the name of an attachment.
file-chosen = File the chosen mails in dossier
file-in = Dossier
choose-a-mail = Choose at least one mail in the list.
choose-an-entry = Choose at least one entry in the list.
type-a-dossier = Type the dossier that the mail belongs to.
file-moves = { $n ->
    [one] Nothing is filed yet: one of these mails is in another dossier ({ $name }). File again to move it.
   *[other] Nothing is filed yet: { $n } of these mails are in another dossier ({ $name }). File again to move them.
}
file-conversation = File the whole conversation
file = File
unfile = Take out
filed-many = { $n ->
    [one] One mail is filed as you asked. Its mark in Outlook follows within a minute.
   *[other] { $n } mails are filed as you asked. Their marks in Outlook follow within a minute.
}
filed-not = { $n ->
    [one] One mail could not be filed.
   *[other] { $n } mails could not be filed.
}
choose = Choose: { $name }
older = Older mail
has-attachments = with attachments
back-to-list = Back to the list
mail-outer = Back to the mail that it is attached to
mail-no-subject = (no subject)
mail-kept = Kept
mail-filed-in = Filed in { $name }
mail-failed = Not given out by Microsoft yet
mail-tries = { $n ->
    [0] greffe is about to ask for it again.
    [one] greffe asked for it once.
   *[other] greffe asked for it { $n } times.
}
mail-next-try = greffe tries again by itself: { $name }.
mail-given-up = greffe does not try again by itself. Open the mail in Outlook: if it opens there, try again here. If that does not help, tell your provider.
mail-gone = Deleted before it was read
mail-erased = Erased on request
mail-removed = Removed as unwanted
mail-expired = Expired: its retention period is over
mail-from = From
mail-to = To
mail-cc = Copy
mail-date = Date
mail-text = Text of the mail
found-in-text = Found in the text
attachments = Attachments
attachment-read = Read
images-withheld = Images from the web are not loaded, because they tell the sender when you read.
images-show = Load them
mail-is-cut = This mail is longer than what is shown here. The original has all of it.
evidence = Evidence
evidence-since = Kept unchanged since { $name }.
evidence-until = It is kept until { $name }.
evidence-number = It is number { $n } in your firm's log.
evidence-not-yet = It is number { $n } of your firm's events. The log has it within a quarter of an hour; only then can the proof be downloaded.
original = Download the original

proof = Download the proof
proof-what = A file by which anybody checks, without greffe, that this mail is unchanged.
connectors = Connections
people = People
settings = Settings
settings-firm = The firm
settings-zone-what = Times and days on these pages are those of this time zone.
settings-domains-what = The rules for internal mail do not use this list; it names the domains that belong to your firm.
settings-marks = Marks in Outlook
settings-marks-what = Names and colours of the two categories. Choose names that nobody uses for categories of their own. A mail that is marked already keeps its mark until it is filed or taken out. The colour counts for mailboxes where the category is new.
settings-received = Of kept mail
settings-filed = Of filed mail
settings-color = Colour
settings-help = What stands here counts for the whole firm. The language is that of the marks and of what greffe writes to Outlook; each person chooses the language of these pages at the bottom. Under “Programs” you give your business application its key.
color-red = red
color-orange = orange
color-brown = brown
color-yellow = yellow
color-green = green
color-teal = blue-green
color-blue = blue
color-purple = purple
color-grey = grey
color-dark-grey = dark grey
color-black = black
keys = Programs
keys-none = No program has a key yet. Your business application needs one to see what is kept here.
key-new = A key for a program
key-name = Which program
key-rights = What it may do
key-right-read = Read mail and settings
key-right-file = File mail to dossiers
key-right-push = Write dates and contacts to Outlook
key-right-manage = Set everything up, as you do
key-end = It ends on, if it is to end
key-make = Make the key
key-made = Give this key to whoever sets up the program. It is shown this once.
key-used = Used last on { $name }.
key-unused = Never used.
key-ends = It ends on { $name }.
key-revoke = Revoke the key
key-revoke-what = The program can do nothing here from that moment on. What it did stays.
keys-help = A key lets a program of yours in, as an invitation lets a person in. Give each program its own, with no more rights than it needs. To replace one, make another, let the program use it, then revoke the old one.
connectors-none = Nothing is connected yet. A connection lets greffe read mail at Microsoft 365.
connectors-help = A connection is the way by which greffe reaches Microsoft 365. It works through one person, or for the whole organisation. Test it whenever you are in doubt: nothing is changed by a test.
connector-help = Somebody signs in at Microsoft once, and greffe may then do what stands here, and no more. If something does not work, test the connection: each line says what it means and whose turn it is. After a change of rights somebody signs in again.
connector-new-help = Through one person is enough to try it out, and for one mailbox. For the whole organisation is better for a firm: it goes on when a person leaves. You can change it later, and nothing that is kept is lost.
connector-needed = Needs someone
connector-connected = Connected to { $a } via { $b }
connector-works = Connected
connector-waits = Nobody has signed in yet
connector-awaits-grant = Your provider has to release it
connector-new = New connection
connector-name = Name
connector-create = Create the connection
connector-change = Name and rights
connector-options = What greffe may do besides reading mail
connector-may = What greffe may do
connector-wanted = The change takes effect after the next sign-in.
access = Way of access
access-delegated = Through one person
access-delegated-what = greffe reads the mailboxes that this person may open, and no others. It ends when the person leaves or loses these rights.
access-organization = For the whole organisation
access-organization-what = greffe can read all mailboxes of the organisation, whoever leaves. A Global Administrator has to agree.
option-mark = Marks in Outlook
option-mark-what = Shows a grey mark on kept mail and a green one on filed mail. For this, greffe may change mails.
option-shared = Shared mailboxes of this person
option-shared-what = Opens the shared mailboxes that this person may open.
option-dates = Dates
option-dates-what = Writes appointments and deadlines to the calendar or to To Do.
option-contacts = Contacts
option-contacts-what = Writes contacts to Outlook.
own-app = Your own app registration
own-app-what = Only if your firm has one of its own in Entra. Otherwise leave these fields empty.
own-app-tenant = Directory (tenant) ID
own-app-client = Application (client) ID
own-app-secret = Value of the client secret
connect-microsoft = Sign in at Microsoft
connect-again = Sign in at Microsoft again
connect-send = Send the link to somebody else
connect-send-what = Whoever opens it signs in at Microsoft and connects. It is valid for one day, and works once.
link = Link
validate = Test
validate-what = Tries everything that greffe needs, and removes what it made for the test. It takes up to half a minute.
validate-do = Test the connection
validate-good = Everything works.
validate-bad = Something does not work. Below stands what, and whose turn it is.
check-works = works
check-fails = does not work
check-runs = being tested
check-not-needed = not needed
check-token = Permission
check-profile = Who is connected
check-folders = Folders
check-mail = Reading mail
check-mark = Marks
check-notifications = Notices of new mail
check-calendar = Calendar
check-tasks = To Do
check-contacts = Contacts
check-secret = Secret of the app
change = Change
store = Save
secret-new = New client secret
secret-new-what = Paste the value of the new secret. greffe tests it before it replaces the old one.
secret-test = Test and replace

mailbox-new = Add a mailbox
mailbox-new-what = greffe checks at once whether it may open the mailbox. Nothing is kept before you switch it on.
mailbox-connector = Connection
mailbox-address = Address
mailbox-kind = Kind
mailbox-kind-user = Of one person
mailbox-kind-shared = Shared, such as info@
mailbox-add = Add
mailbox-of-member = Whose it is
mailbox-by-address = by the address below
mailbox-of-member-what = Of a member, the address and the connection follow from the link. Otherwise type the address.
mailbox-new-help = A mailbox is a person's own, or a shared one such as info@. Nothing is kept before you have chosen folders and switched it on. If greffe may not open it, this page says what is missing.
mailboxes-first = Connect Microsoft 365 first.
folders = Folders
folders-which = Which folders are kept?
folders-find = Find a folder by its name
folders-find-do = Find
folders-find-end = Show all folders
folders-find-none = No folder has this in its name.
folders-part = Folders { $a } of { $b }
folders-next = Next folders
folders-previous = Previous folders
folders-see = See what this comes to
folders-store = Save this choice
folders-choose = Choose folders
folders-not-current = Microsoft does not answer at the moment. These are the folders as greffe last saw them.
folders-help = Tick the folders whose mail is to be kept. Before anything is saved, you see what your choice comes to. Drafts, deleted mail and junk are never kept.
mode-include = Only the ticked folders
mode-include-what = Folders that are made later are not kept.
mode-exclude = All folders but the ticked ones
mode-exclude-what = What lies below a ticked folder is left out too. Folders that are made later are kept.
mode-all = All folders
mode-all-what = Folders that are made later are kept too.
folder-mixed = some below are ticked
folder-below-all = with all below
folder-below-some = with some of those below
folder-below-none = without those below
folder-covered = left out with the folder above
folders-tick-below = Tick what lies below the ticked folders too
folder-never = is never kept
outcome-folders = { $n ->
    [0] No folder would be kept.
    [one] One folder would be kept.
   *[other] { $n } folders would be kept.
}
outcome-mails = { $n ->
    [0] No mail lies there now.
    [one] One mail lies there now.
   *[other] { $n } mails lie there now.
}
outcome-new = Only mail that arrives after you switch the mailbox on is kept, and older mail that you move in.
rules = Rules
rules-change = Change the rules
rules-see = See what they would have skipped
rules-would = { $n ->
    [one] These rules would have skipped one kept mail:
   *[other] These rules would have skipped these { $n } kept mails:
}
rules-would-none = These rules would have skipped no kept mail.
rules-would-more = Only the newest mails were looked at.
rules-help = Rules decide about mail that comes from now on. What is kept stays kept. Set them before you switch a mailbox on.
rule-internal = Skip internal mail
rule-internal-what = A colleague wrote it, and every recipient is in your domain.
rule-senders = Skip mail from these addresses, one a line
rule-domains = Skip mail from these domains, one a line
rule-mark = Show marks in Outlook
rule-mark-what = Grey on kept mail, green on filed mail.

people-none = Nobody has a role here yet.
people-help = Here stands who may enter the console for your firm. A role counts from the next click on. To let somebody in, make a link and send it to that person.
role = Role
remove = Remove
remove-what = The person can no longer enter. Their earlier deeds stay in the audit trail.
invite = Invite somebody
invite-what = Choose what the person may do, and send them the link.
invite-make = Make a link
invite-made = Send this link to the person, and to nobody else. It is shown this once.
invite-until = It is valid until { $name }, for one account.

first-title = Five steps to the first kept mail
first-connect = Connect Microsoft 365
first-connect-what = Somebody signs in at Microsoft and agrees.
first-mailbox = Add a mailbox
first-mailbox-what = Yours, a colleague's, or a shared one.
first-folders = Choose its folders
first-folders-what = Only what you choose is kept.
first-rules = Look at the rules
first-rules-what = What is to be skipped? It is easier before than afterwards.
first-activate = Switch it on
first-activate-what = From then on new mail is kept.
first-done = done
first-do = Go on

members = Members
members-none = Nobody is linked yet. Link the people whose Outlook is to show dates and contacts.
members-help = A member is a person of your firm, linked to their account at Microsoft. greffe writes dates and contacts to their Outlook as your application sends them. Test a service when something is missing there.
member-help = Here stands what greffe has put into this person's Outlook, and what waits. Switch dates and contacts on or off; what is switched off is taken out again. If something is missing there, test that service.
member-new-help = Link a person of your firm with their account at Microsoft. Nothing is written to their Outlook before you switch it on, on the next page. Through one person's connection, only that person can be linked.
member-new = Link a member
member-link = Link
member-nothing = Nothing is written to this Outlook
member-state = What is in this Outlook
member-what = What greffe writes there
member-target = Dates go to
target-calendar = the calendar
target-todo = To Do
member-compared = Compared last on { $name }.
preview-do = See what greffe would change now
preview-none = Nothing: all is in this Outlook as it should be.
preview-some = { $n ->
    [one] One difference. Looking at it changes nothing; greffe corrects it by itself.
   *[other] { $n } differences. Looking at them changes nothing; greffe corrects them by itself.
}
preview-missing = would be written
preview-unwanted = would be taken out
preview-gone = was deleted in Outlook, and would be written again
preview-altered = was changed in Outlook, and would be put right
preview-outdated = would be brought up to date
switched-off = switched off
copies-placed = { $n ->
    [0] nothing yet.
    [one] one entry.
   *[other] { $n } entries.
}
copies-waiting = { $n ->
    [one] One more waits.
   *[other] { $n } more wait.
}
copies-failed = { $n ->
    [one] One failed.
   *[other] { $n } failed.
}

entries = Dates and contacts
entries-of = Of
entries-of-all = everybody
show = Show
entries-none = There is nothing here yet. Your application sends dates and contacts; they appear here with the state in each Outlook.
entries-chosen = The chosen ones: member
entries-give = Give to this member
entries-take = Take from this member
entries-more = More
entries-done = { $n ->
    [one] One entry is changed. Outlook follows within a minute.
   *[other] { $n } entries are changed. Outlook follows within a minute.
}
entries-refused = { $n ->
    [one] One was refused.
   *[other] { $n } were refused.
}
entries-help = Here stands what your application sent, and in whose Outlook it is. Choose entries and a member to give them to that person, or to take them away. Texts and times are changed in your application.
entry-nobody = In nobody's Outlook.
date-appointment = Appointment
date-deadline = Deadline
date-reminder = Reminder
contact-person = Person
contact-organisation = Organisation
copy-current = in Outlook
copy-waiting = on its way
copy-failed = not in Outlook

webhooks = Webhooks
webhooks-none = Your application is told of nothing by itself yet. It can ask for what happened at any time.
webhooks-help = A webhook is an address of your application. greffe posts there what happens, signed, in order, and until it is taken. The developer of your application knows the address.
webhook-help = Each line is one try. If the address does not answer, greffe tries again with longer pauses for a day; then it stops and says so. Nothing is lost meanwhile.
webhook-new = Add an address
webhook-url = Address
webhook-add = Add
webhook-works = Works
webhook-failing = Does not answer at the moment
webhook-paused = Paused
webhook-stopped = Stopped; somebody has to act
webhook-tries = Since { $a }. Next try: { $b }.
webhook-all-types = Everything that happens is posted.
webhook-test = Send a test
webhook-pause = Pause
webhook-go-on = Go on
webhook-secret = Secret
webhook-secret-made = Copy the secret into your application now. It is shown this once.
webhook-secret-new = New secret
webhook-secret-what = For a day, events are signed with the old secret and the new one, so nothing is lost while you change it.
webhook-remove-what = Nothing is posted to this address any more. What happened can still be asked for.
mailbox-remove-what = greffe no longer reads this mailbox. What is kept stays, can be found and can be filed. You can add the mailbox again.
connector-remove-what = greffe gives up its access. The mailboxes of this connection are paused, and nothing more is put into Outlook through it. What is kept stays.
member-remove-what = greffe puts no more dates and contacts into this Outlook, and takes out what it put there. The mailbox and its mail stay.
deliveries = Last deliveries
deliveries-none = Nothing was posted yet.
delivery-answer = Answer
delivery-test = Test
delivery-again = Send again
delivery-again-number = Send number { $n } again
delivery-timed-out = no answer in time
delivery-not-public = no public address
delivery-unreachable = could not be reached

audit = Audit trail
audit-none = Nothing has been done yet.
audit-help = Here stands who did what, and who read which mail. Each deed is noted before it is done. Nobody can change or remove an entry, and greffe would see it.
audit-broken = An entry of the audit trail was changed or removed.
audit-broken-what = Tell your provider. The other entries are as they were written.
when = When
who = Who
what = What
outcome = Outcome
outcome-done = done
outcome-refused = refused
outcome-open = begun, outcome unknown
audit-again = Try again
reason-wrong = a field did not fit
reason-role = the role or the key does not allow it
reason-absent = it was not there
reason-stood = the state at that time did not allow it
reason-overtaken = somebody else was quicker
reason-microsoft = Microsoft refused it
reason-busy = too much at once
reason-down = greffe or Microsoft did not answer
actor-operator = Your provider
actor-key = Program “{ $name }”
actor-former-key = A program whose key is revoked
actor-visitor = Somebody without an account
did-sign-in = signed in at Microsoft
did-proof = downloaded a proof
did-unfile = took mail out of a dossier
did-file = filed mail
did-retry = had mail asked for again
did-read = read mail
did-activate = switched a mailbox on
did-pause = paused a mailbox
did-folders = chose folders
did-rules = changed rules
did-folder-dossiers = let a folder stand for a dossier, or ended that
did-grant-history = released or withdrew older mail
did-reconcile = had a mailbox checked
did-mailbox-add = added a mailbox
did-mailbox-remove = removed a mailbox
did-mailbox = changed a mailbox
did-validate = tested a connection
did-secret = changed a secret or certificate
did-connector-remove = removed a connection
did-connector = set up or changed a connection
did-member-test = tested a member
did-member-remove = removed a member
did-member = linked or changed a member
did-dates = changed dates
did-contacts = changed contacts
did-key-remove = revoked a key
did-key = made a key
did-webhook = set up, changed or used a webhook
did-people = changed who may enter
did-marks = changed the marks
did-firm = changed the firm's settings
did-other = did something else

check = Is everything there?
check-running = The folders are being compared with what is kept.
check-never = The folders have not been compared yet. It happens every day by itself.
check-complete = Compared last on { $a }: of the { $b } mails that lay in the folders and arrived more than five minutes before, none is missing.
check-found = Compared last on { $a }: { $b } mails were missing, and are kept now or soon.
check-would = Compared last on { $a }: { $b } mails are missing.
check-what = greffe compares the chosen folders with what is kept, and keeps what is missing. It can also only look.
check-do = Compare now
check-look = Only look
check-folders-each = Folder by folder
check-listed = In the folder
check-due = To be kept
check-missing = Missing
folder = Folder
folder-dossiers = Folders that stand for a dossier
folder-dossiers-what = greffe files the mail of such a folder to its dossier, and what somebody moves there later. A mail that is moved out is taken out of the dossier.
folder-dossiers-none = No folder of this mailbox stands for a dossier.
folder-dossiers-some = { $n ->
    [one] Mail in one folder is filed to its dossier:
   *[other] Mail in { $n } folders is filed to their dossiers:
}
folder-dossiers-change = Change these folders
folder-dossiers-kept-only = Only folders whose mail is kept are offered. Have another folder kept first:
folder-dossiers-set = Let a folder stand for a dossier
folder-dossiers-help = Choose a folder of the mailbox and the dossier that it stands for. Whoever moves a mail into the folder in Outlook files it; nobody needs this page for that. If you end it, filed mail stays filed.
folder-dossier-new = Another folder
folder-in-outlook = Folder in Outlook
folder-dossier-end = End it
folder-unknown = A folder that is gone or can't be read now
folder-choices-more = { $n ->
    [one] The first folder is listed. Find others by their name.
   *[other] The first { $n } folders are listed. Find others by their name.
}
grant = Mail from before
grant-none = No older mail is released.
grant-since = Your provider released mail from { $name } on.
grant-between = Your provider released mail from { $a } to { $b }.
grant-keep = Keep mail from this day on
grant-keep-do = Keep older mail
grant-from = From
grant-until = To
grant-do = Release
grant-revoke = Withdraw
operator-firms = Firms
operator-none = There is no firm yet.
operator-count = { $n ->
    [one] One firm.
   *[other] { $n } firms.
}
operator-count-more = More than { $n } firms.
operator-state = greffe itself
operator-version = The API answers: version { $name }.
operator-app = Your app registration
operator-app-ended = its credential expired on { $name }. Replace it.
operator-app-unknown = it is not known when its credential expires.
operator-state-what = What a firm waits for stands on its Home, also where it is your turn. How much is worked on, and what fails, show the dashboard and the alarms in AWS.
operator-new = New firm
operator-language = Language
operator-zone = Time zone
operator-domains = The firm's own mail domains, one a line
operator-create = Create the firm
operator-ended = ended on { $name }
operator-waiting = Waiting for you
operator-waiting-who = { $a } asks for the organisation { $b }, which another firm has already.
operator-waiting-what = Release it only if both firms belong together: from then on both can read this organisation's mail.
operator-release = Release
operator-help = Create a firm, then let its first administrator in by a link. A firm's mail is its own: what you read there is noted in the firm's audit trail.

# What one page needs beside the others.
audit-older = Earlier
did-list = looked at the list of mail
grant-what = Release mail of these days. An administrator of the firm then chooses from when it is kept.
member-test-what = Tries one service in this Outlook, and removes what was made for the test.
member-test-all = Test all
documents-all = All mail
proposals = Proposals
proposals-what = These mails were written or received by contacts of one dossier only, and were never filed. Accept what is right; untick the rest.
proposals-none = No mail waits for a dossier. Your application sends contacts with their dossiers; mail of these people appears here.
proposals-none-here = None of these mails can be proposed. Older ones may be.
proposals-accept = File the ticked mails
proposals-help = A mail is proposed for a dossier if everybody outside of your firm who wrote it or received it belongs to that dossier. Nothing is filed before you say so, unless you make it a rule below. Mail that you take out of a dossier is not proposed again.
unarchived = Not archived
unarchived-link = Mails that are not archived, to try again
unarchived-what = Microsoft did not give these mails out, so they are not in the archive yet. greffe tries each again by itself for about ten days.
unarchived-none = No mail is missing: Microsoft gave out all that was to be kept.
unarchived-all = Try all again
unarchived-again = Try again: { $name }
unarchived-retried = { $n ->
    [one] greffe asks Microsoft for one mail again.
   *[other] greffe asks Microsoft for { $n } mails again.
}
unarchived-refused = { $n ->
    [one] One mail could not be tried again.
   *[other] { $n } mails could not be tried again.
}
unarchived-help = These are the mails of all mailboxes that Microsoft did not give out. Try again once the cause is over, for example after a fault at Microsoft. A mail that has come disappears from this list within a minute.
filing-rules = What greffe files by itself
filing-by-contact = File new mail by its contacts
filing-by-contact-what = New mail that would be proposed for a dossier is filed there at once. Mail that is here already stays a proposal.
filing-replies = File replies with their conversation
filing-replies-what = After you file a whole conversation, its later mails go to the same dossier.
list-complete-to = Mail after number { $n } was searched by subject and sender only; its texts are being read. Search again in a minute.
credential = How greffe identifies itself to Microsoft
credential-what = Your app registration accepts greffe by a secret, by a certificate, or without either. A new one is tested before it replaces the old one.
credential-federated-now = It uses no secret: nothing expires.
credential-renewing = It is being renewed since { $name }.
secret-end = It expires on, if you know it
renew = Renew it now
renew-what = greffe makes a new secret at Microsoft and changes to it. The app registration needs the right to change itself.
renew-do = Make a new secret and use it
certificate = A certificate instead of a secret
certificate-what = greffe makes a pair of keys. You upload the certificate in Entra, or greffe does it; the private key never leaves greffe.
certificate-add = greffe registers it at Microsoft
certificate-add-what = Only if the app registration may change itself.
certificate-make = Make a certificate
certificate-made = Save these lines as a file ending with .pem, and upload it in Entra: App registrations, your app, Certificates & secrets, Certificates.
certificate-added = The certificate is registered at Microsoft.
certificate-until = Valid until { $a }. Thumbprint (SHA-256): { $b }
certificate-use = Test it and use it
federation = No secret at all
federation-what = Amazon, where greffe runs, vouches for greffe to Microsoft. You enter some values in Entra once; then nothing expires.
federation-show = Show the values
federation-values = Enter these in Entra to the letter: App registrations, your app, Certificates & secrets, Federated credentials. One for each subject. Then wait some minutes.
federation-use = Test it and use it

typed-kept = What you typed is kept. You can send it once more.
overtaken = Meanwhile somebody else has changed this.
overtaken-what = Nothing of yours was saved yet. What you typed stands below; what holds now stands here. Save once more to replace it.
said-saved = Saved.
said-added = Added.
said-removed = Removed.
said-on = The mailbox is switched on.
said-paused = It is paused.
said-begun = It has begun. What comes of it appears on this page.
said-sent = It is being sent. What came of it appears below in a few seconds.
too-large-title = This is too much at once
too-large-text = Nothing was changed. Go back, and send less at a time, such as a shorter list.
archive-checked = A part of the archive is checked each day, last on { $name }:
archive-whole = { $n ->
    [0] there was nothing in it to check.
    [one] one mail is as it was written.
   *[other] { $n } mails are as they were written.
}
archive-findings = { $n ->
    [one] one thing is not as it was written. Your provider has to act.
   *[other] { $n } things are not as they were written. Your provider has to act.
}
did-erase = asked to erase mail
did-erase-confirm = confirmed an erasure
did-hold = set or lifted a legal hold
did-retention = changed how long mail is kept
erasures = Erasing and holds
erasures-list = What was to be erased
erasures-none = Nothing was to be erased yet.
erasures-help = Archived mail stays unchanged until its retention period ends, or until somebody asks here to erase it. You first see what goes and what stays. A dossier under a legal hold keeps its mail from that.
erasure-help = First you see what would go and what stays. It is erased only after you typed the number. If it is refused, the page says what stands against it; mend that, and ask again.
erasure-new = Erase mail
erasure-new-what = Nothing is erased yet: first you see what would go and what stays, then you confirm it.
erasure-asked = Asked for on { $a } by { $b }:
erasure-requested = greffe is looking at what would go. It takes a minute at most.
erasure-previewed = Waits for you to confirm it
erasure-confirmed = It is being erased. It takes some minutes, because a second pass makes sure that nothing is left.
erasure-locked = Refused: the archive keeps a mail by a lock until { $name }. Ask again then.
erasure-held = Refused: a mail belongs, or once belonged, to a dossier under a legal hold. Lift the hold first.
erasure-active = Refused: the mailbox still receives mail. Pause it first, or remove it.
erasure-pushed = Refused: dates or contacts of this member are in Outlook. Switch both off first.
erasure-firm-goes-on = Refused: the firm is not deleted.
erasure-unknown = Refused: nothing of it is kept.
erasure-as-asked = Nothing to do: no mail has expired, and none is kept longer than the periods say.
erasure-refused = Refused.
erasure-done = Erased on { $name }.
erasure-done-mails = { $n ->
    [one] One mail is gone.
   *[other] { $n } mails are gone.
}
erase-one = Erase one mail
erase-chosen = { $n ->
    [one] Erase one chosen mail
   *[other] Erase { $n } chosen mails
}
erase-chosen-more = { $n ->
    [one] and one more
   *[other] and { $n } more
}
erase-firm = Erase the whole firm
erase-sender = Erase the mail of a sender
erase-sender-of = Erase the mail of { $name }
erase-sender-what = All kept mail from an address, such as news@shop.example, or from a domain, such as @shop.example.
erase-sender-address = Address, or @ and a domain
erase-rules = Erase what the rules would skip today
erase-rules-what = Kept mail of a mailbox that its rules would no longer keep. Change the rules first, and look at what they would skip.
erase-retention = Apply the retention periods
erase-retention-what = What is left of mail whose period is over is erased: its subject, its sender and its dossier. Mail that is kept longer than the periods say is kept less long from then on.
erase-mailbox = Erase a mailbox with all its mail
erase-mailbox-what = Only once it is paused or removed. In Outlook nothing changes.
erase-member = Erase a member
erase-member-what = The member, and the mailboxes of the member's addresses. Only once nothing more is written to their Outlook.
erase-way-mails = Erase single mails
erase-way-mails-what = Open a mail and choose “Erase this mail”, or tick several in the list.
erase-one-do = Erase this mail
erase-chosen-do = Erase the ticked mails
erase-rules-do = Erase what the rules would skip
erase-mailbox-do = Erase this mailbox
erase-member-do = Erase this member
erasure-by = Who asked for it
erasure-reason = Why
erasure-record-what = Both stay in the audit trail for good. Name no more than an auditor needs.
erasure-see = See what would go
erasure-final = Nobody can bring it back afterwards.
erasure-type = { $n ->
    [one] To confirm, type the number of mails that go: { $n }
   *[other] To confirm, type the number of mails that go: { $n }
}
erasure-wrong = Nothing was erased: the number is { $n }.
erasure-confirm = Erase for good
erasure-leave = Leave everything as it is
erasure-again = Ask again
fate-goes = This goes for good
fate-mails = { $n ->
    [0] No mail.
    [one] One mail with its attachments.
   *[other] { $n } mails with their attachments.
}
fate-shortened = { $n ->
    [one] One mail is kept less long from then on. It is deleted when its period is over.
   *[other] { $n } mails are kept less long from then on. They are deleted when their period is over.
}
fate-index = The subject, people, dossier and words of each mail: nobody finds it here any more, and it is not kept again.
fate-more = There are more than one order takes. Ask again afterwards.
fate-stays = This stays, and why
fate-outlook = The mails in Outlook. greffe deletes nothing there.
fate-log = A number, a time and a digest of each mail in the log. Nobody can read a mail from them; without them, the other mails could no longer be proved.
fate-record = Who asked for it, why and when: so that it can be shown later that it was right.
fate-elsewhere = Copies in your application, in files that somebody downloaded, and in your provider's backups for up to 35 days.
holds = Legal holds
holds-what = Mail that is in such a dossier, or ever was, can't be erased before the hold is lifted.
hold-set = Put the dossier under a hold
hold-lift = Lift the hold
retention = Retention periods
retention-what = Mail is kept for so many years after the end of the year in which it was received. Then it is deleted without a further question, and nobody can bring it back.
retention-years-what = Without a number, mail is kept for ever.
retention-default = Years for all mail
retention-class = Class of dossiers
retention-class-new = Another class, such as tax matters
retention-class-years = Years for this class, if that is longer
retention-save = Save the periods
retention-dossiers = Dossiers in a class
retention-dossiers-what = Mail of such a dossier is kept for the period of its class.
retention-no-class = No class
retention-put = Put the dossier in the class
retention-help = A longer period holds for kept mail, too, within about half an hour. A shorter one holds for new mail only; to apply it to kept mail, erase by the retention periods. A dossier under a legal hold keeps its mail for ever: set the hold before the year ends.
typed-wrong = Something that you typed does not fit.
typed-wrong-what = Nothing was changed.
field-wrong = “{ $name }” does not fit.
field-line-wrong = “{ $a }”: line { $b } does not fit.
hint-address = An e-mail address belongs here, such as name@firm.example.
hint-party = An e-mail address belongs here, or @ and a domain, such as @shop.example.
hint-domain = A domain belongs on each line, such as shop.example.
hint-url = An address belongs here that begins with https:// and can be reached from the internet.
hint-text = It may not be empty, and has at most 200 characters.
hint-years = A number of years belongs here, or nothing for ever. Each class has a name of its own.
hint-day = A day belongs here, such as 2026-03-02.
hint-id = Copy it from Entra once more: it has 36 characters.
hint-zone = The name of a time zone belongs here, such as Europe/Brussels.
hint-chosen = Choose it from the list once more: it may have been removed meanwhile.
