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
open = Open
connect = Connect
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
firms-none-operator = There is no firm yet. Create one with the API: POST /v1/firms.

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
once-more-send = You are signed in again. Send the form once more.
once-more-sign-in = Sign in again in a new tab. Then come back here and send the form once more.
once-more-tab = Sign in in a new tab
once-more-button = Send once more

who-operator = Your provider's turn
who-firm-administrator = Your turn
who-tenant-administrator = The turn of your Microsoft 365 administrator
who-app-owner = The turn of the owner of the app registration
who-user = The turn of the connected account
who-integrator = The turn of the developer
who-nobody = Nobody has to act

home-needs = What needs someone
home-nothing = Nothing needs anyone at the moment.
home-in = Is everything in?
home-in-yes = Yes. All mail of the chosen folders is kept.
home-no-mailbox = No mailbox is set up yet.
home-chart = Mail kept each day
home-secrets = Secrets that end soon
home-help = At the top stands what somebody has to do, with one button for each. Below you see whether all mail is in. If nothing stands at the top, you have nothing to do.
need-connect = “{ $name }” is not connected yet.
need-connect-how = Sign in at Microsoft, or send the link to the person who may.
need-activate = { $name } is set up, but no mail is kept yet.
need-activate-how = Check its folders and rules, then switch it on.
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
mailbox-switch = On and off
mailbox-switch-on = From now on, new mail of the chosen folders is kept. Set rules first: what was kept by mistake is harder to remove.
mailbox-go-on = What came during the pause is kept too.
mailbox-activate = Switch on
mailbox-no-folders = Choose folders first.
mailbox-pause-what = During a pause nothing is read. What comes meanwhile is kept once you switch it on again.
mailbox-pause = Pause

search = Search
search-text = Words
search-from = Sender's address
search-dossier = Dossier
search-all = All mailboxes
list = Mails
list-none = No mail is kept yet. It appears here within seconds of its arrival.
list-none-found = No mail fits. Try fewer words, or another mailbox.
file-chosen = File the chosen mails in dossier
file-in = Dossier
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
mail-no-subject = (no subject)
mail-kept = Kept
mail-filed-in = Filed in { $name }
mail-failed = Not given out by Microsoft yet
mail-gone = Deleted before it was read
mail-from = From
mail-to = To
mail-cc = Copy
mail-date = Date
mail-text = Text of the mail
attachments = Attachments
images-withheld = Images from the web are not loaded, because they tell the sender when you read.
images-show = Load them
evidence = Evidence
evidence-since = Kept unchanged since { $name }.
evidence-number = It is number { $n } in your firm's log.
original = Download the original
