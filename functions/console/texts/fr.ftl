# La console en français. Les autres catalogues ont les mêmes clés ; un test les tient ensemble.
skip = Aller au contenu
sections = Rubriques
languages = Langues
home = Accueil
documents = Courriels
mailboxes = Boîtes aux lettres
operator = Opérateur
sign-out = Se déconnecter
firms-other = Autre cabinet
details = Les mots mêmes de Microsoft ou de greffe
help = Aide
help-guide = Plus d'explications dans le guide, en anglais (nouvel onglet)
guide = Guide de l'administrateur
guide-contents = Sommaire
guide-english = Le guide est en anglais.
open = Ouvrir
to-start = Revenir au début
as-table = En tableau

sign-in-title = Se connecter
sign-in-text = Utilisez votre compte professionnel Microsoft. greffe apprend qui vous êtes, et rien d'autre.
sign-in-button = Se connecter avec Microsoft
invited-title = { $name } vous invite
invited-text = Connectez-vous avec le compte que vous voulez utiliser ici. Le lien n'est ensuite qu'à vous.
role-administrator = Administrateur
role-clerk = Gestionnaire
role-reader = Lecteur
role-administrator-may = Vous pourrez tout configurer, lire les courriels et les classer.
role-clerk-may = Vous pourrez lire les courriels et les classer.
role-reader-may = Vous pourrez lire les courriels.
operator-title = Ouvrir la console en tant qu'opérateur
operator-text = Le lien sert une fois. Votre session se termine après une heure.
operator-button = Ouvrir la console
unusable-title = Ce lien n'est pas utilisable
unusable-text = Il est trop ancien, il a déjà servi, ou une partie manque. Demandez-en un nouveau, ou connectez-vous si vous êtes déjà venu.
firms-title = Choisir un cabinet
firms-none = Vous êtes connecté en tant que { $name }, et aucun cabinet ne vous a encore ouvert sa porte. Demandez une invitation à l'administrateur de votre cabinet.

not-found-title = Cette page n'existe pas
not-found-text = Elle a peut-être été supprimée, ou elle appartient à un cabinet où vous ne pouvez pas entrer.
forbidden-title = Votre rôle ne le permet pas
forbidden-text = Demandez à l'administrateur de votre cabinet de le faire, ou de vous donner un autre rôle.
broken-title = Cela n'a pas fonctionné
broken-text = La faute est de notre côté, et elle est notée. Réessayez dans une minute.
foreign-title = Ce formulaire vient d'un autre site
foreign-text = Rien n'a été modifié. Ouvrez la page ici et envoyez le formulaire depuis celle-ci.
once-more-title = Votre session était terminée
once-more-kept = Rien de ce que vous avez saisi n'est perdu, et rien n'a encore été modifié.
once-more-secret = Rien n'a encore été modifié. Par sécurité, greffe ne garde aucun secret client saisi : ouvrez à nouveau le formulaire et saisissez-le encore une fois.
once-more-send = Vous êtes de nouveau connecté. Envoyez le formulaire encore une fois.
once-more-sign-in = Connectez-vous dans un nouvel onglet. Revenez ensuite ici et envoyez le formulaire encore une fois.
once-more-tab = Se connecter dans un nouvel onglet
once-more-button = Envoyer encore une fois

who-operator = Au tour de votre fournisseur
who-firm-administrator = À votre tour
who-your-administrator = Au tour de l'administrateur de votre cabinet
who-tenant-administrator = Au tour de votre administrateur Microsoft 365
who-app-owner = Au tour du propriétaire de l'inscription d'application
who-user = Au tour du compte connecté
who-integrator = Au tour du développeur
who-nobody = Personne n'a à agir
turn-and-action = { $a } : { $b }

home-needs = Ce qui attend quelqu'un
home-nothing = Rien n'attend personne en ce moment.
home-in = Tout est-il là ?
home-in-yes = Oui. Tous les courriels des dossiers Outlook choisis sont conservés, état au { $name }.
home-in-no = Pas encore, ou pas à coup sûr : le tableau indique quelle boîte attend.
home-no-mailbox = Aucune boîte aux lettres n'est encore configurée.
home-chart = Courriels conservés par jour
home-secrets = Secrets qui expirent bientôt
home-help = En haut figure ce que quelqu'un doit faire, avec un bouton pour chaque point. En dessous, vous voyez si tous les courriels sont là. Si rien ne figure en haut, vous n'avez rien à faire.
need-connect = « { $name } » n'est pas encore connecté.
need-connect-how = Connectez-vous chez Microsoft, ou envoyez le lien à la personne qui le peut.
need-activate = { $name } est configurée, mais aucun courriel n'est encore conservé.
need-activate-how = Vérifiez ses dossiers Outlook et ses règles, puis activez-la.
need-paused = { $name } est en pause : rien n'est lu.
need-paused-how = Ce qui est arrivé entre-temps sera conservé dès que vous la réactivez.
need-member = { $n ->
    [one] { $n } date ou contact n'est pas dans l'Outlook de { $name }.
   *[other] { $n } dates et contacts ne sont pas dans l'Outlook de { $name }.
}
need-member-how = Ouvrez les entrées de cette personne : chacune dit pourquoi, et à qui c'est le tour.
need-members-more = Il manque peut-être aussi quelque chose dans l'Outlook d'autres membres.
need-members-more-how = Cette page ne regarde que les échecs les plus récents. Ouvrez un membre pour voir ce qu'il en est.
need-webhook-failing = Votre application ne prend pas ce que greffe envoie à { $name }.
need-webhook-paused = Rien n'est envoyé à { $name } : c'est en pause.
need-webhook-how = Reprenez quand votre application est prête.
need-erasure = Un effacement attend que vous le confirmiez.
need-erasure-how = Regardez ce qui partirait et ce qui reste. D'ici là, tout reste.
need-proposals = { $n ->
    [one] { $n } courriel appartient peut-être à un dossier.
   *[other] { $n } courriels appartiennent peut-être à un dossier.
}
need-proposals-how = Parcourez-les une fois, et classez ce qui est juste.
secret-ends = Le secret de « { $a } » expire le { $b }.
secret-days = { $n ->
    [0] Il expire aujourd'hui.
    [one] Il reste un jour.
   *[other] Il reste { $n } jours.
}
chart-mails = { $n ->
    [one] { $n } courriel
   *[other] { $n } courriels
}

mailbox = Boîte aux lettres
state = État
kept = Conservés
since = Depuis
remaining = Encore à venir
skipped = Écartés par vos règles
there-before = Déjà là avant
failed = Non délivrés par Microsoft
gone = Supprimés avant lecture
mails-kept = { $n ->
    [one] { $n } courriel conservé
   *[other] { $n } courriels conservés
}
mailboxes-own = D'une personne
mailboxes-shared = Partagées
mailboxes-more = Autres boîtes aux lettres
mailboxes-help = Une boîte est complète quand tous les courriels de ses dossiers Outlook choisis sont conservés. Pendant la préparation, les nouveaux courriels sont déjà conservés ; attendez pour y déplacer d'anciens courriels. Ouvrez une boîte pour en voir plus.
mailbox-needed = Attend quelqu'un
mailbox-inactive = Pas activée
mailbox-paused = En pause
mailbox-preparing = En préparation
mailbox-preparing-folders = En préparation : { $a } dossiers Outlook sur { $b } sont prêts
mailbox-remaining = { $n ->
    [one] Encore { $n } courriel à venir
   *[other] Encore { $n } courriels à venir
}
mailbox-failed = { $n ->
    [one] Microsoft ne délivre pas { $n } courriel ; greffe réessaie
   *[other] Microsoft ne délivre pas { $n } courriels ; greffe réessaie
}
mailbox-incomplete = Une partie attend ; greffe réessaie
mailbox-complete = Complète
mailbox-end = Fin prévue : { $name }.
since-time = Depuis le { $name }
mailbox-what = Ce qui est conservé
mailbox-activated = Les courriels arrivés depuis le { $name } sont conservés.
folders-none = Aucun dossier Outlook n'est encore choisi.
folders-all = Tous les dossiers Outlook.
folders-include = { $n ->
    [one] Un dossier Outlook choisi, et aucun autre.
   *[other] { $n } dossiers Outlook choisis, et aucun autre.
}
folders-exclude = { $n ->
    [one] Tous les dossiers Outlook sauf un.
   *[other] Tous les dossiers Outlook sauf { $n }.
}
rules-internal = Les courriels internes du cabinet sont écartés.
rules-senders = { $n ->
    [one] Un expéditeur est écarté.
   *[other] { $n } expéditeurs sont écartés.
}
rules-domains = { $n ->
    [one] Un domaine d'expéditeur est écarté.
   *[other] { $n } domaines d'expéditeurs sont écartés.
}
rules-none = Aucune règle n'écarte quoi que ce soit.
rules-mark = Outlook montre une marque grise sur les courriels conservés et une verte sur les courriels classés.
rules-no-mark = Outlook ne montre pas de marques.
history-done = Tous les anciens courriels ont été examinés.
history-running = Anciens courriels : { $a } sur { $b } examinés.
history-counting = Les anciens courriels sont en cours de comptage.
mailbox-switch = Activer
mailbox-switch-on = À partir de maintenant, les nouveaux courriels des dossiers Outlook choisis sont conservés. Fixez d'abord les règles : ce qui est conservé par erreur est plus difficile à retirer.
mailbox-go-on = Ce qui est arrivé pendant la pause est conservé aussi.
mailbox-activate = Activer
mailbox-no-folders = Choisissez d'abord des dossiers Outlook.
mailbox-help = En haut figure si tous les courriels de cette boîte sont là, et ce qui doit encore venir. Choisissez d'abord les dossiers et les règles, puis activez-la. Une pause ne perd rien : ce qui arrive entre-temps est conservé ensuite.
mailbox-pause-what = Pendant une pause, rien n'est lu. Ce qui arrive entre-temps est conservé quand vous la réactivez.
mailbox-pause = Mettre en pause

search = Rechercher
search-text = Mots
search-from = Adresse de l'expéditeur
search-dossier = Dossier
search-all = Toutes les boîtes
search-mailbox = Adresse de la boîte aux lettres
search-more = Autres filtres
search-clear = Afficher à nouveau tous les courriels
search-filed = Classé ou non
search-filed-no = pas encore classés
search-filed-yes = classés
search-failed = pas fourni par Microsoft
search-direction = Reçus ou envoyés
search-received = reçus
search-sent = envoyés
search-both = les deux
search-since = À partir du
search-until = Jusqu'au
search-attachments = Seulement avec pièces jointes
documents-help = Saisissez quelques mots, et la liste suit. Ouvrez un courriel pour le lire à côté de la liste ; cochez-en plusieurs pour les classer ensemble. Gris veut dire conservé, vert classé, comme dans Outlook.
hits-all = { $n ->
    [one] { $n } courriel.
   *[other] { $n } courriels.
}
hits-page = { $n ->
    [one] { $n } courriel sur cette page ; il y en a d'autres.
   *[other] { $n } courriels sur cette page ; il y en a d'autres.
}
hits-end = { $n ->
    [one] { $n } courriel sur cette page, le plus ancien.
   *[other] { $n } courriels sur cette page, les plus anciens.
}
list-none-newest = Parmi les courriels les plus récents, aucun ne correspond. De plus anciens peut-être.
tick-all = Cocher tout sur cette page
tick-none = Tout décocher
list = Courriels
list-none = Aucun courriel n'est encore conservé. Il apparaît ici quelques secondes après son arrivée.
list-none-found = Aucun courriel ne correspond. Essayez moins de mots, ou une autre boîte.
list-order = Le dernier archivé est en tête.
found-further-on = Trouvé plus loin dans le texte, ou dans le nom d'une pièce jointe.
file-chosen = Classer les courriels choisis dans le dossier
file-in = Dossier
choose-a-mail = Choisissez au moins un courriel dans la liste.
choose-an-entry = Choisissez au moins une entrée dans la liste.
type-a-dossier = Saisissez le dossier auquel le courriel appartient.
file-moves = { $n ->
    [one] Rien n'est encore classé : l'un de ces courriels est dans un autre dossier ({ $name }). Classez de nouveau pour le déplacer.
   *[other] Rien n'est encore classé : { $n } de ces courriels sont dans un autre dossier ({ $name }). Classez de nouveau pour les déplacer.
}
file-conversation = Classer toute la conversation
file = Classer
unfile = Retirer
filed-many = { $n ->
    [one] Un courriel est classé comme demandé. Sa marque dans Outlook suit dans la minute.
   *[other] { $n } courriels sont classés comme demandé. Leurs marques dans Outlook suivent dans la minute.
}
filed-not = { $n ->
    [one] Un courriel n'a pas pu être classé.
   *[other] { $n } courriels n'ont pas pu être classés.
}
choose = Choisir : { $name }
older = Courriels plus anciens
has-attachments = avec pièces jointes
back-to-list = Retour à la liste
mail-outer = Retour au courriel auquel il est joint
mail-no-subject = (sans objet)
mail-kept = Conservé
mail-filed-in = Classé dans { $name }
mail-failed = Pas encore délivré par Microsoft
mail-tries = { $n ->
    [0] greffe va le redemander.
    [one] greffe l'a demandé une fois.
   *[other] greffe l'a demandé { $n } fois.
}
mail-next-try = greffe réessaie de lui-même : { $name }.
mail-given-up = greffe ne réessaie plus de lui-même. Ouvrez le courriel dans Outlook : s'il s'y ouvre, réessayez ici. Si cela n'aide pas, prévenez votre fournisseur.
mail-gone = Supprimé avant lecture
mail-erased = Effacé sur demande
mail-removed = Retiré car indésirable
mail-expired = Expiré : sa durée de conservation est écoulée
mail-from = De
mail-to = À
mail-cc = Copie
mail-date = Date
mail-text = Texte du courriel
found-in-text = Trouvé dans le texte
attachments = Pièces jointes
attachment-read = Lire
images-withheld = Les images du web ne sont pas chargées, car elles disent à l'expéditeur quand vous lisez.
images-show = Les charger
mail-is-cut = Ce courriel est plus long que ce qui est affiché ici. L'original contient tout.
evidence = Preuve
evidence-since = Conservé inchangé depuis le { $name }.
evidence-until = Il est conservé jusqu'au { $name }.
evidence-number = C'est le numéro { $n } du journal de votre cabinet.
evidence-not-yet = C'est le numéro { $n } des événements de votre cabinet. Il entre au journal en un quart d'heure ; la preuve ne peut être téléchargée qu'ensuite.
original = Télécharger l'original

proof = Télécharger la preuve
proof-what = Un fichier par lequel chacun vérifie, sans greffe, que ce courriel est inchangé.
connectors = Connexions
people = Personnes
settings = Réglages
settings-firm = Le cabinet
settings-zone-what = Les heures et les jours de ces pages sont ceux de ce fuseau horaire.
settings-domains-what = Les règles sur le courrier interne n'utilisent pas cette liste ; elle nomme les domaines de votre cabinet.
settings-marks = Marques dans Outlook
settings-marks-what = Noms et couleurs des deux catégories. Choisissez des noms que personne n'utilise pour ses propres catégories. Un courriel déjà marqué garde sa marque jusqu'à ce qu'il soit classé ou retiré. La couleur vaut pour les boîtes où la catégorie est nouvelle.
settings-received = Des courriels conservés
settings-filed = Des courriels classés
settings-color = Couleur
settings-help = Ce qui figure ici vaut pour tout le cabinet. La langue est celle des marques et de ce que greffe écrit dans Outlook ; chacun choisit la langue de ces pages tout en bas. Sous « Programmes », vous donnez sa clé à votre application.
color-red = rouge
color-orange = orange
color-brown = brun
color-yellow = jaune
color-green = vert
color-teal = bleu-vert
color-blue = bleu
color-purple = violet
color-grey = gris
color-dark-grey = gris foncé
color-black = noir
keys = Programmes
keys-none = Aucun programme n'a encore de clé. Votre application en a besoin pour voir ce qui est conservé ici.
key-new = Une clé pour un programme
key-name = Quel programme
key-rights = Ce qu'il peut faire
key-right-read = Lire les courriels et les réglages
key-right-file = Classer les courriels dans des dossiers
key-right-push = Écrire des dates et des contacts dans Outlook
key-right-manage = Tout configurer, comme vous
key-end = Elle expire le, si elle doit expirer
key-make = Créer la clé
key-made = Donnez cette clé à la personne qui configure le programme. Elle n'est affichée que cette fois.
key-used = Utilisée en dernier le { $name }.
key-unused = Jamais utilisée.
key-ends = Elle expire le { $name }.
key-revoke = Révoquer la clé
key-revoke-what = À partir de ce moment, le programme ne peut plus rien faire ici. Ce qu'il a fait reste.
keys-help = Une clé fait entrer un de vos programmes, comme une invitation fait entrer une personne. Donnez à chacun la sienne, sans plus de droits qu'il n'en faut. Pour en remplacer une, créez-en une autre, donnez-la au programme, puis révoquez l'ancienne.
connectors-none = Rien n'est encore connecté. Une connexion permet à greffe de lire les courriels dans Microsoft 365.
connectors-help = Une connexion est le chemin par lequel greffe atteint Microsoft 365. Elle passe par une personne, ou vaut pour toute l'organisation. Testez-la en cas de doute : un test ne change rien.
connector-help = Quelqu'un se connecte une fois chez Microsoft, et greffe peut ensuite faire ce qui figure ici, et rien de plus. Si quelque chose ne fonctionne pas, testez la connexion : chaque ligne dit ce que cela signifie et à qui c'est le tour. Après un changement de droits, quelqu'un se connecte à nouveau.
connector-new-help = Par une personne suffit pour essayer, et pour une seule boîte. Pour toute l'organisation convient mieux à un cabinet : cela continue quand une personne part. Vous pouvez en changer plus tard, et rien de ce qui est conservé n'est perdu.
connector-needed = Attend quelqu'un
connector-connected = Connecté à { $a } via { $b }
connector-works = Connecté
connector-waits = Personne ne s'est encore connecté
connector-awaits-grant = Votre fournisseur doit l'autoriser
connector-new = Nouvelle connexion
connector-name = Nom
connector-create = Créer la connexion
connector-change = Nom et droits
connector-options = Ce que greffe peut faire en plus de lire les courriels
connector-may = Ce que greffe peut faire
connector-wanted = Le changement prend effet à la prochaine connexion chez Microsoft.
access = Mode d'accès
access-delegated = Par une personne
access-delegated-what = greffe lit les boîtes que cette personne peut ouvrir, et aucune autre. L'accès prend fin quand la personne part ou perd ces droits.
access-organization = Pour toute l'organisation
access-organization-what = greffe peut lire toutes les boîtes de l'organisation, quel que soit celui qui part. Un administrateur général doit l'accepter.
option-mark = Marques dans Outlook
option-mark-what = Montre une marque grise sur les courriels conservés et une verte sur les courriels classés. Pour cela, greffe peut modifier des courriels.
option-shared = Boîtes partagées de cette personne
option-shared-what = Ouvre les boîtes partagées que cette personne peut ouvrir.
option-dates = Dates
option-dates-what = Inscrit rendez-vous et échéances dans le calendrier ou dans To Do.
option-contacts = Contacts
option-contacts-what = Inscrit des contacts dans Outlook.
own-app = Votre propre inscription d'application
own-app-what = Seulement si votre cabinet en a une dans Entra. Sinon, laissez ces champs vides.
own-app-tenant = ID de l'annuaire (locataire)
own-app-client = ID d'application (client)
own-app-secret = Valeur de la clé secrète client
connect-microsoft = Se connecter chez Microsoft
connect-again = Se reconnecter chez Microsoft
connect-send = Envoyer le lien à quelqu'un d'autre
connect-send-what = Qui l'ouvre se connecte chez Microsoft et établit la connexion. Il est valable un jour et sert une fois.
link = Lien
validate = Test
validate-what = Essaie tout ce dont greffe a besoin, et supprime ce qui a été créé pour le test. Cela dure jusqu'à une demi-minute.
validate-do = Tester la connexion
validate-good = Tout fonctionne.
validate-bad = Quelque chose ne fonctionne pas. Ci-dessous figure quoi, et à qui d'agir.
check-works = fonctionne
check-fails = ne fonctionne pas
check-runs = test en cours
check-not-needed = pas nécessaire
check-token = Autorisation
check-profile = Qui est connecté
check-folders = Dossiers Outlook
check-mail = Lecture des courriels
check-mark = Marques
check-notifications = Avis de nouveaux courriels
check-calendar = Calendrier
check-tasks = To Do
check-contacts = Contacts
check-secret = Secret de l'application
change = Modifier
store = Enregistrer
secret-new = Nouvelle clé secrète
secret-new-what = Collez la valeur de la nouvelle clé. greffe la teste avant de remplacer l'ancienne.
secret-test = Tester et remplacer

mailbox-new = Ajouter une boîte aux lettres
mailbox-new-what = greffe vérifie aussitôt s'il peut ouvrir la boîte. Rien n'est conservé avant que vous l'activiez.
mailbox-connector = Connexion
mailbox-address = Adresse
mailbox-kind = Genre
mailbox-kind-user = D'une personne
mailbox-kind-shared = Partagée, comme info@
mailbox-add = Ajouter
mailbox-of-member = De qui est-elle
mailbox-by-address = selon l'adresse ci-dessous
mailbox-of-member-what = Pour un membre, l'adresse et la connexion découlent du lien. Sinon, saisissez l'adresse.
mailbox-new-help = Une boîte est celle d'une personne, ou une boîte partagée comme info@. Rien n'est conservé avant que vous ayez choisi les dossiers Outlook et activé la boîte. Si greffe ne peut pas l'ouvrir, cette page dit ce qui manque.
mailboxes-first = Connectez d'abord Microsoft 365.
folders = Dossiers Outlook
folders-which = Quels dossiers Outlook sont conservés ?
folders-find = Chercher un dossier Outlook par son nom
folders-find-do = Chercher
folders-find-end = Montrer tous les dossiers Outlook
folders-find-none = Aucun dossier Outlook n'a cela dans son nom.
folders-part = Dossiers Outlook { $a } sur { $b }
folders-next = Dossiers Outlook suivants
folders-previous = Dossiers Outlook précédents
folders-see = Voir ce que cela donne
folders-store = Enregistrer ce choix
folders-choose = Choisir les dossiers Outlook
folders-not-current = Microsoft ne répond pas en ce moment. Voici les dossiers Outlook tels que greffe les a vus la dernière fois.
folders-help = Cochez les dossiers Outlook dont les courriels doivent être conservés. Avant tout enregistrement, vous voyez ce que donne votre choix. Les brouillons, les éléments supprimés et le courrier indésirable ne sont jamais conservés.
mode-include = Seulement les dossiers Outlook cochés
mode-include-what = Les dossiers Outlook créés plus tard ne sont pas conservés.
mode-exclude = Tous les dossiers Outlook sauf ceux cochés
mode-exclude-what = Ce qui se trouve sous un dossier Outlook coché est exclu aussi. Les dossiers Outlook créés plus tard sont conservés.
mode-all = Tous les dossiers Outlook
mode-all-what = Les dossiers Outlook créés plus tard sont conservés aussi.
folder-mixed = certains sont cochés en dessous
folder-below-all = avec tout ce qui est en dessous
folder-below-some = avec une partie de ce qui est en dessous
folder-below-none = sans ce qui est en dessous
folder-covered = écarté avec le dossier Outlook au-dessus
folders-tick-below = Cocher aussi ce qui est en dessous des dossiers Outlook cochés
folder-never = n'est jamais conservé
outcome-folders = { $n ->
    [0] Aucun dossier Outlook ne serait conservé.
    [one] Un dossier Outlook serait conservé.
   *[other] { $n } dossiers Outlook seraient conservés.
}
outcome-mails = { $n ->
    [0] Aucun courriel ne s'y trouve maintenant.
    [one] Un courriel s'y trouve maintenant.
   *[other] { $n } courriels s'y trouvent maintenant.
}
outcome-new = Seuls sont conservés les courriels qui arrivent après l'activation, et les anciens que vous y déplacez.
rules = Règles
rules-change = Modifier les règles
rules-see = Voir ce qu'elles auraient écarté
rules-would = { $n ->
    [one] Ces règles auraient écarté un courriel conservé :
   *[other] Ces règles auraient écarté ces { $n } courriels conservés :
}
rules-would-none = Ces règles n'auraient écarté aucun courriel conservé.
rules-would-more = Seuls les courriels les plus récents ont été examinés.
rules-help = Les règles décident des courriels qui arrivent à partir de maintenant. Ce qui est conservé le reste. Fixez-les avant d'activer une boîte.
rule-internal = Écarter les courriels internes
rule-internal-what = Un collègue l'a écrit, et tous les destinataires sont dans votre domaine.
rule-senders = Écarter les courriels de ces adresses, une par ligne
rule-domains = Écarter les courriels de ces domaines, un par ligne
rule-mark = Montrer des marques dans Outlook
rule-mark-what = Grise sur les courriels conservés, verte sur les courriels classés.

people-none = Personne n'a encore de rôle ici.
people-help = Ici figure qui peut entrer dans la console pour votre cabinet. Un rôle vaut dès le prochain clic. Pour faire entrer quelqu'un, créez un lien et envoyez-le à cette personne.
role = Rôle
remove = Retirer
remove-what = La personne ne peut plus entrer. Ses actes passés restent dans la piste d'audit.
invite = Inviter quelqu'un
invite-what = Choisissez ce que la personne peut faire, et envoyez-lui le lien.
invite-make = Créer un lien
invite-made = Envoyez ce lien à la personne, et à personne d'autre. Il n'est affiché que cette fois.
invite-until = Il est valable jusqu'au { $name }, pour un compte.

first-title = Cinq étapes jusqu'au premier courriel conservé
first-connect = Connecter Microsoft 365
first-connect-what = Quelqu'un se connecte chez Microsoft et accepte.
first-mailbox = Ajouter une boîte aux lettres
first-mailbox-what = La vôtre, celle d'un collègue, ou une boîte partagée.
first-folders = Choisir ses dossiers Outlook
first-folders-what = Seul ce que vous choisissez est conservé.
first-rules = Regarder les règles
first-rules-what = Que faut-il écarter ? C'est plus facile avant qu'après.
first-activate = L'activer
first-activate-what = À partir de là, les nouveaux courriels sont conservés.
first-done = fait
first-do = Continuer

members = Membres
members-none = Personne n'est encore lié. Liez les personnes dont Outlook doit montrer dates et contacts.
members-help = Un membre est une personne de votre cabinet, liée à son compte chez Microsoft. greffe inscrit dates et contacts dans son Outlook comme votre application les envoie. Testez un service quand quelque chose y manque.
member-help = Ici figure ce que greffe a mis dans l'Outlook de cette personne, et ce qui attend. Activez ou désactivez les dates et les contacts ; ce qui est désactivé est retiré. S'il y manque quelque chose, testez ce service.
member-new-help = Liez une personne de votre cabinet à son compte Microsoft. Rien n'est écrit dans son Outlook avant que vous l'activiez, à la page suivante. Par la connexion d'une personne, seule cette personne peut être liée.
member-new = Lier un membre
member-link = Lier
member-nothing = Rien n'est inscrit dans cet Outlook
member-state = Ce qui se trouve dans cet Outlook
member-what = Ce que greffe y inscrit
member-target = Les dates vont dans
target-calendar = le calendrier
target-todo = To Do
member-compared = Dernière comparaison le { $name }.
preview-do = Voir ce que greffe modifierait maintenant
preview-none = Rien : tout est dans cet Outlook comme il faut.
preview-some = { $n ->
    [one] { $n } différence. La regarder ne change rien ; greffe la corrige de lui-même.
   *[other] { $n } différences. Les regarder ne change rien ; greffe les corrige de lui-même.
}
preview-missing = serait écrit
preview-unwanted = serait retiré
preview-gone = a été supprimé dans Outlook, et serait réécrit
preview-altered = a été modifié dans Outlook, et serait rétabli
preview-outdated = serait mis à jour
switched-off = désactivé
copies-placed = { $n ->
    [0] rien encore.
    [one] une inscription.
   *[other] { $n } inscriptions.
}
copies-waiting = { $n ->
    [one] Une autre attend.
   *[other] { $n } autres attendent.
}
copies-failed = { $n ->
    [one] Une a échoué.
   *[other] { $n } ont échoué.
}

entries = Dates et contacts
entries-of = De
entries-of-all = tous
show = Afficher
entries-none = Il n'y a encore rien ici. Votre application envoie les dates et les contacts ; ils apparaissent ici avec leur état dans chaque Outlook.
entries-chosen = Éléments cochés : membre
entries-give = Donner à ce membre
entries-take = Retirer à ce membre
entries-more = Suite
entries-done = { $n ->
    [one] Un élément est modifié. Outlook suit dans la minute.
   *[other] { $n } éléments sont modifiés. Outlook suit dans la minute.
}
entries-refused = { $n ->
    [one] Un élément a été refusé.
   *[other] { $n } éléments ont été refusés.
}
entries-help = Vous voyez ici ce que votre application a envoyé, et dans quel Outlook cela se trouve. Cochez des éléments et choisissez un membre pour les lui donner ou les lui retirer. Les textes et les heures se modifient dans votre application.
entry-nobody = Dans aucun Outlook.
date-appointment = Rendez-vous
date-deadline = Échéance
date-reminder = Rappel
contact-person = Personne
contact-organisation = Organisation
copy-current = dans Outlook
copy-waiting = en route
copy-failed = pas dans Outlook

webhooks = Webhooks
webhooks-none = Votre application n'est encore prévenue de rien. Elle peut demander à tout moment ce qui s'est passé.
webhooks-help = Un webhook est une adresse de votre application. greffe y envoie ce qui se passe, signé, dans l'ordre, jusqu'à ce que ce soit reçu. Le développeur de votre application connaît l'adresse.
webhook-help = Chaque ligne est un essai. Si l'adresse ne répond pas, greffe réessaie pendant un jour, à intervalles croissants ; puis il s'arrête et le dit. Rien n'est perdu entre-temps.
webhook-new = Ajouter une adresse
webhook-url = Adresse
webhook-add = Ajouter
webhook-works = Fonctionne
webhook-failing = Ne répond pas en ce moment
webhook-paused = En pause
webhook-stopped = Arrêté ; quelqu'un doit agir
webhook-tries = Depuis { $a }. Prochain essai : { $b }.
webhook-all-types = Tout ce qui se passe est envoyé.
webhook-test = Envoyer un test
webhook-pause = Mettre en pause
webhook-go-on = Reprendre
webhook-secret = Secret
webhook-secret-made = Copiez maintenant le secret dans votre application. Il n'est affiché que cette fois.
webhook-secret-new = Nouveau secret
webhook-secret-what = Pendant un jour, les événements sont signés avec l'ancien et le nouveau secret : rien n'est perdu pendant que vous le changez.
webhook-remove-what = Plus rien n'est envoyé à cette adresse. Ce qui s'est passé peut toujours être demandé.
mailbox-remove-what = greffe ne lit plus cette boîte. Ce qui est conservé reste, peut être trouvé et classé. Vous pouvez ajouter la boîte à nouveau.
connector-remove-what = greffe renonce à son accès. Les boîtes de cette connexion sont mises en pause, et plus rien n'est placé dans Outlook par elle. Ce qui est conservé reste.
member-remove-what = greffe ne place plus de dates ni de contacts dans cet Outlook et retire ceux qu'il y a placés. La boîte et ses courriels restent.
deliveries = Derniers envois
deliveries-none = Rien n'a encore été envoyé.
delivery-answer = Réponse
delivery-test = Test
delivery-again = Renvoyer
delivery-again-number = Renvoyer le numéro { $n }
delivery-timed-out = pas de réponse à temps
delivery-not-public = pas d'adresse publique
delivery-unreachable = injoignable

audit = Piste d'audit
audit-none = Rien n'a encore été fait.
audit-help = Vous voyez ici qui a fait quoi, et qui a lu quel courriel. Chaque acte est noté avant d'être fait. Personne ne peut modifier ou supprimer une ligne : greffe le verrait.
audit-broken = Une ligne de la piste d'audit a été modifiée ou supprimée.
audit-broken-what = Prévenez votre fournisseur. Les autres lignes sont telles qu'elles ont été écrites.
when = Quand
who = Qui
what = Quoi
outcome = Résultat
outcome-done = fait
outcome-refused = refusé
outcome-open = commencé, résultat inconnu
audit-again = Réessayer
reason-wrong = un champ ne convenait pas
reason-role = le rôle ou la clé ne le permet pas
reason-absent = cela n'existait pas
reason-stood = l'état du moment ne le permettait pas
reason-overtaken = quelqu'un d'autre a été plus rapide
reason-microsoft = Microsoft l'a refusé
reason-busy = trop à la fois
reason-down = greffe ou Microsoft ne répondait pas
actor-operator = Votre fournisseur
actor-key = Programme « { $name } »
actor-former-key = Un programme dont la clé est révoquée
actor-visitor = Quelqu'un sans compte
did-sign-in = s'est connecté chez Microsoft
did-proof = a téléchargé une preuve
did-unfile = a retiré un courriel d'un dossier
did-file = a classé un courriel
did-retry = a fait redemander des courriels
did-read = a lu un courriel
did-activate = a activé une boîte
did-pause = a mis une boîte en pause
did-folders = a choisi des dossiers Outlook
did-rules = a modifié des règles
did-folder-dossiers = a lié un dossier Outlook à un dossier, ou supprimé ce lien
did-grant-history = a autorisé ou retiré le courrier ancien
did-reconcile = a fait vérifier une boîte
did-mailbox-add = a ajouté une boîte
did-mailbox-remove = a supprimé une boîte
did-mailbox = a modifié une boîte
did-validate = a testé une connexion
did-secret = a changé un secret ou un certificat
did-connector-remove = a supprimé une connexion
did-connector = a créé ou modifié une connexion
did-member-test = a testé un membre
did-member-remove = a supprimé un membre
did-member = a lié ou modifié un membre
did-dates = a modifié des dates
did-contacts = a modifié des contacts
did-key-remove = a révoqué une clé
did-key = a créé une clé
did-webhook = a créé, modifié ou utilisé un webhook
did-people = a modifié qui peut entrer
did-marks = a modifié les marques
did-firm = a modifié les réglages du cabinet
did-other = a fait autre chose

check = Tout est-il là ?
check-running = Les dossiers Outlook sont en cours de comparaison avec ce qui est conservé.
check-never = Les dossiers Outlook n'ont pas encore été comparés. Cela se fait tout seul chaque jour.
check-complete = Dernière comparaison le { $a } : sur les { $b } courriels qui se trouvaient dans les dossiers Outlook et arrivés plus de cinq minutes avant, aucun ne manque.
check-found = Dernière comparaison le { $a } : { $b } courriels manquaient ; ils sont conservés ou le seront bientôt.
check-would = Dernière comparaison le { $a } : { $b } courriels manquent.
check-what = greffe compare les dossiers Outlook choisis avec ce qui est conservé, et conserve ce qui manque. Il peut aussi seulement regarder.
check-do = Comparer maintenant
check-look = Seulement regarder
check-folders-each = Par dossier Outlook
check-listed = Dans le dossier Outlook
check-due = À conserver
check-missing = Manquants
folder = Dossier Outlook
folder-dossiers = Dossiers Outlook liés à un dossier du cabinet
folder-dossiers-what = greffe classe les courriels d'un tel dossier Outlook dans le dossier du cabinet auquel il est lié, et aussi ceux qu'on y déplace plus tard. Un courriel qu'on en sort est retiré du dossier.
folder-dossiers-none = Aucun dossier Outlook de cette boîte n'est lié à un dossier du cabinet.
folder-dossiers-some = { $n ->
    [one] Les courriels d'un dossier Outlook sont classés dans :
   *[other] Les courriels de { $n } dossiers Outlook sont classés dans :
}
folder-dossiers-change = Modifier ces liens
folder-dossiers-kept-only = Seuls sont proposés les dossiers Outlook dont les courriels sont conservés. Faites d'abord conserver l'autre :
folder-dossiers-set = Lier un dossier Outlook à un dossier du cabinet
folder-dossiers-help = Choisissez un dossier Outlook et le dossier du cabinet auquel le lier. Il suffit ensuite de déplacer un courriel dans ce dossier Outlook pour le classer ; nul besoin de cette page. Si vous supprimez le lien, les courriels classés le restent.
folder-dossier-new = Lier un autre dossier Outlook
folder-in-outlook = Dossier Outlook
folder-dossier-end = Supprimer le lien
folder-unknown = Un dossier Outlook qui n'existe plus ou ne peut pas être lu maintenant
folder-choices-more = { $n ->
    [one] Le premier dossier Outlook est proposé. Cherchez les autres par leur nom.
   *[other] Les { $n } premiers dossiers Outlook sont proposés. Cherchez les autres par leur nom.
}
grant = Courrier d'avant
grant-none = Aucun courrier ancien n'est autorisé.
grant-since = Votre fournisseur a autorisé le courrier à partir du { $name }.
grant-between = Votre fournisseur a autorisé le courrier du { $a } au { $b }.
grant-keep = Conserver le courrier à partir de ce jour
grant-keep-do = Conserver le courrier ancien
grant-from = Du
grant-until = Au
grant-do = Autoriser
grant-revoke = Retirer
operator-firms = Cabinets
operator-none = Il n'y a pas encore de cabinet.
operator-count = { $n ->
    [one] Un cabinet.
   *[other] { $n } cabinets.
}
operator-count-more = Plus de { $n } cabinets.
operator-state = greffe lui-même
operator-version = L'API répond : version { $name }.
operator-app = Votre inscription d'application
operator-app-ended = son identifiant a expiré le { $name }. Remplacez-le.
operator-app-unknown = on ne sait pas quand son identifiant expire.
operator-state-what = Ce qu'un cabinet attend figure sur son accueil, même quand c'est à vous d'agir. Le tableau de bord et les alarmes d'AWS montrent le travail en cours et les échecs.
operator-new = Nouveau cabinet
operator-language = Langue
operator-zone = Fuseau horaire
operator-domains = Domaines de messagerie du cabinet, un par ligne
operator-create = Créer le cabinet
operator-ended = fermé le { $name }
operator-waiting = On vous attend
operator-waiting-who = { $a } demande l'organisation { $b }, qu'un autre cabinet a déjà.
operator-waiting-what = N'autorisez que si les deux cabinets vont ensemble : les deux pourront alors lire le courrier de cette organisation.
operator-release = Autoriser
operator-help = Créez un cabinet, puis faites entrer son premier administrateur par un lien. Le courrier d'un cabinet est à lui : ce que vous y lisez est noté dans sa piste d'audit.

# What one page needs beside the others.
audit-older = Plus ancien
did-list = a consulté la liste des courriels
grant-what = Autorisez le courrier de ces jours. Un administrateur du cabinet choisit ensuite à partir de quand il est conservé.
member-test-what = Essaie un service dans cet Outlook, et supprime ce qui a été créé pour le test.
member-test-all = Tout tester
documents-all = Tous les courriels
proposals = Propositions
proposals-what = Ces courriels ont été écrits ou reçus par les contacts d'un seul dossier, et n'ont jamais été classés. Acceptez ce qui est juste et décochez le reste.
proposals-none = Aucun courriel n'attend de dossier. Votre application envoie des contacts avec leurs dossiers ; les courriels de ces personnes apparaissent ici.
proposals-none-here = Aucun de ces courriels ne peut être proposé. De plus anciens peut-être.
proposals-accept = Classer les courriels cochés
proposals-help = Un courriel est proposé pour un dossier si toutes les personnes extérieures à votre cabinet qui l'ont écrit ou reçu appartiennent à ce dossier. Rien n'est classé avant votre accord, sauf si vous en faites une règle ci-dessous. Un courriel que vous retirez d'un dossier n'est plus proposé.
unarchived = Non archivés
unarchived-link = Courriels non archivés, à redemander
unarchived-what = Microsoft n'a pas fourni ces courriels : ils ne sont pas encore dans l'archive. greffe redemande chacun de lui-même pendant une dizaine de jours.
unarchived-none = Il ne manque aucun courriel : Microsoft a fourni tout ce qui devait être conservé.
unarchived-all = Tout réessayer
unarchived-again = Réessayer : { $name }
unarchived-retried = { $n ->
    [one] greffe redemande un courriel à Microsoft.
   *[other] greffe redemande { $n } courriels à Microsoft.
}
unarchived-refused = { $n ->
    [one] Un courriel n'a pas pu être redemandé.
   *[other] { $n } courriels n'ont pas pu être redemandés.
}
unarchived-help = Ce sont les courriels, de toutes les boîtes, que Microsoft n'a pas fournis. Réessayez quand la cause a disparu, par exemple après une panne chez Microsoft. Un courriel arrivé quitte cette liste en moins d'une minute.
filing-rules = Ce que greffe classe de lui-même
filing-by-contact = Classer les nouveaux courriels selon leurs contacts
filing-by-contact-what = Un nouveau courriel qui serait proposé pour un dossier y est classé aussitôt. Les courriels déjà présents restent des propositions.
filing-replies = Classer les réponses avec leur conversation
filing-replies-what = Quand vous classez toute une conversation, ses courriels suivants vont dans le même dossier.
list-complete-to = Les courriels après le numéro { $n } ont été cherchés par objet et expéditeur seulement ; leurs textes sont en cours de lecture. Cherchez à nouveau dans une minute.
credential = Comment greffe s'identifie auprès de Microsoft
credential-what = Votre inscription d'application accepte greffe par une clé secrète, par un certificat, ou sans l'un ni l'autre. Un nouveau moyen est testé avant de remplacer l'ancien.
credential-federated-now = Elle n'utilise aucune clé secrète : rien n'expire.
credential-renewing = Elle est en cours de renouvellement depuis le { $name }.
secret-end = Elle expire le, si vous le savez
renew = Renouveler maintenant
renew-what = greffe crée une nouvelle clé secrète chez Microsoft et l'utilise ensuite. L'inscription d'application doit avoir le droit de se modifier.
renew-do = Créer une clé secrète et l’utiliser
certificate = Un certificat au lieu d'une clé secrète
certificate-what = greffe crée une paire de clés. Vous téléversez le certificat dans Entra, ou greffe le fait ; la clé privée ne quitte jamais greffe.
certificate-add = greffe l'enregistre chez Microsoft
certificate-add-what = Seulement si l'inscription d'application peut se modifier.
certificate-make = Créer un certificat
certificate-made = Enregistrez ces lignes dans un fichier dont le nom finit par .pem, et téléversez-le dans Entra : Inscriptions d'applications, votre application, Certificats et secrets, Certificats.
certificate-added = Le certificat est enregistré chez Microsoft.
certificate-until = Valable jusqu’au { $a }. Empreinte (SHA-256) : { $b }
certificate-use = Le tester et l’utiliser
federation = Sans aucune clé secrète
federation-what = Amazon, où tourne greffe, se porte garant de greffe auprès de Microsoft. Vous saisissez une fois quelques valeurs dans Entra ; ensuite rien n'expire.
federation-show = Montrer les valeurs
federation-values = Saisissez ces valeurs à la lettre dans Entra : Inscriptions d'applications, votre application, Certificats et secrets, Informations d'identification fédérées. Une pour chaque « Subject ». Attendez ensuite quelques minutes.
federation-use = La tester et l’utiliser

typed-kept = Ce que vous avez saisi n'est pas perdu. Vous pouvez l'envoyer de nouveau.
overtaken = Entre-temps, quelqu'un d'autre a modifié ceci.
overtaken-what = Rien de ce que vous avez saisi n'est encore enregistré. Votre saisie figure ci-dessous ; ce qui vaut maintenant figure ici. Enregistrez encore une fois pour le remplacer.
said-saved = Enregistré.
said-added = Ajouté.
said-removed = Supprimé.
said-on = La boîte est activée.
said-paused = C'est en pause.
said-begun = C'est commencé. Le résultat apparaîtra sur cette page.
said-sent = L'envoi est en cours. Le résultat apparaîtra ci-dessous dans quelques secondes.
too-large-title = C'est trop à la fois
too-large-text = Rien n'a été modifié. Revenez en arrière et envoyez-en moins à la fois, par exemple une liste plus courte.
archive-checked = Chaque jour, une partie des archives est vérifiée, la dernière fois le { $name } :
archive-whole = { $n ->
    [0] il n'y avait rien à vérifier dans celle-ci.
    [one] { $n } courriel est tel qu'il a été conservé.
   *[other] { $n } courriels sont tels qu'ils ont été conservés.
}
archive-findings = { $n ->
    [one] { $n } élément n'est pas tel qu'il a été conservé. Votre fournisseur doit agir.
   *[other] { $n } éléments ne sont pas tels qu'ils ont été conservés. Votre fournisseur doit agir.
}
did-erase = a demandé d'effacer des courriels
did-erase-confirm = a confirmé un effacement
did-hold = a posé ou levé une conservation obligatoire
did-retention = a changé la durée de conservation des courriels
erasures = Effacement et conservation
erasures-list = Ce qui devait être effacé
erasures-none = Aucun effacement n'a encore été demandé.
erasures-help = Un courriel conservé reste inchangé jusqu'à la fin de sa durée de conservation, ou jusqu'à ce que quelqu'un demande ici de l'effacer. Vous voyez d'abord ce qui disparaît et ce qui reste. Aucun courriel d'un dossier sous conservation obligatoire ne peut être effacé.
erasure-help = D'abord, vous voyez ce qui partirait et ce qui reste. Rien n'est effacé avant que vous ayez saisi le nombre. En cas de refus, la page dit ce qui s'y oppose ; réglez-le, puis redemandez.
erasure-new = Effacer des courriels
erasure-new-what = Rien n'est encore effacé : vous voyez d'abord ce qui disparaîtrait et ce qui reste, puis vous confirmez.
erasure-asked = Demandé le { $a } par { $b } :
erasure-requested = greffe regarde ce qui disparaîtrait. Cela prend une minute au plus.
erasure-previewed = Attend votre confirmation
erasure-confirmed = L'effacement est en cours. Il prend quelques minutes, car un second passage vérifie qu'il ne reste rien.
erasure-locked = Refusé : un courriel est verrouillé dans les archives jusqu'au { $name }. Refaites la demande ensuite.
erasure-held = Refusé : un courriel est ou a été dans un dossier sous conservation obligatoire. Levez-la d'abord.
erasure-active = Refusé : la boîte aux lettres reçoit encore des courriels. Mettez-la d'abord en pause, ou retirez-la.
erasure-pushed = Refusé : des dates ou des contacts de ce membre sont dans Outlook. Désactivez-les d'abord.
erasure-firm-goes-on = Refusé : le cabinet n'est pas supprimé.
erasure-unknown = Refusé : rien n'en est conservé.
erasure-as-asked = Rien à faire : aucun courriel n'a expiré, et aucun n'est conservé plus longtemps que les durées ne le prévoient.
erasure-refused = Refusé.
erasure-done = Effacé le { $name }.
erasure-done-mails = { $n ->
    [one] { $n } courriel a disparu.
   *[other] { $n } courriels ont disparu.
}
erase-one = Effacer un courriel
erase-chosen = { $n ->
    [one] Effacer { $n } courriel choisi
   *[other] Effacer { $n } courriels choisis
}
erase-chosen-more = { $n ->
    [one] et { $n } autre
   *[other] et { $n } autres
}
erase-firm = Effacer tout le cabinet
erase-sender = Effacer les courriels d'un expéditeur
erase-sender-of = Effacer les courriels de { $name }
erase-sender-what = Tous les courriels conservés d'une adresse, comme infos@boutique.example, ou d'un domaine, comme @boutique.example.
erase-sender-address = Adresse, ou @ et un domaine
erase-rules = Effacer ce que les règles écarteraient aujourd'hui
erase-rules-what = Les courriels d'une boîte aux lettres que ses règles ne conserveraient plus. Changez d'abord les règles, et regardez ce qu'elles écarteraient.
erase-retention = Appliquer les durées de conservation
erase-retention-what = Ce qui reste des courriels dont la durée est écoulée est effacé : l'objet, l'expéditeur et le dossier. Les courriels conservés plus longtemps que les durées ne le disent sont conservés moins longtemps dès lors.
erase-mailbox = Effacer une boîte aux lettres avec tous ses courriels
erase-mailbox-what = Seulement si elle est en pause ou retirée. Dans Outlook, rien ne change.
erase-member = Effacer un membre
erase-member-what = Le membre, et les boîtes aux lettres de ses adresses. Seulement si plus rien n'est écrit dans son Outlook.
erase-way-mails = Effacer quelques courriels
erase-way-mails-what = Ouvrez un courriel et choisissez « Effacer ce courriel », ou cochez-en plusieurs dans la liste.
erase-one-do = Effacer ce courriel
erase-chosen-do = Effacer les courriels cochés
erase-rules-do = Effacer ce que les règles écarteraient
erase-mailbox-do = Effacer cette boîte aux lettres
erase-member-do = Effacer ce membre
erasure-by = Qui l'a demandé ?
erasure-reason = Pourquoi ?
erasure-record-what = Les deux restent pour toujours dans la piste d'audit. N'écrivez que ce dont un contrôleur a besoin.
erasure-see = Voir ce qui disparaîtrait
erasure-final = Personne ne peut revenir en arrière ensuite.
erasure-type = { $n ->
    [one] Pour confirmer, tapez le nombre de courriels qui disparaissent : { $n }
   *[other] Pour confirmer, tapez le nombre de courriels qui disparaissent : { $n }
}
erasure-wrong = Rien n'a été effacé : le nombre est { $n }.
erasure-confirm = Effacer pour toujours
erasure-leave = Tout laisser en l'état
erasure-again = Refaire la demande
fate-goes = Ceci disparaît pour toujours
fate-mails = { $n ->
    [0] Aucun courriel.
    [one] { $n } courriel avec ses pièces jointes.
   *[other] { $n } courriels avec leurs pièces jointes.
}
fate-shortened = { $n ->
    [one] Un courriel est conservé moins longtemps dès lors. Il est supprimé à la fin de sa durée.
   *[other] { $n } courriels sont conservés moins longtemps dès lors. Ils sont supprimés à la fin de leur durée.
}
fate-index = L'objet, les personnes, le dossier et les mots de chaque courriel : personne ne le trouve plus ici, et il n'est pas conservé de nouveau.
fate-more = Il y en a plus qu'une demande n'en prend. Refaites-la ensuite.
fate-stays = Ceci reste, et pourquoi
fate-outlook = Les courriels dans Outlook. greffe n'y efface rien.
fate-log = Un numéro, une heure et une empreinte de chaque courriel dans le journal. Personne ne peut en lire un courriel ; sans cela, les autres courriels ne pourraient plus être prouvés.
fate-record = Qui l'a demandé, pourquoi et quand : pour pouvoir montrer plus tard que c'était justifié.
fate-elsewhere = Les copies dans votre application, dans les fichiers que quelqu'un a téléchargés, et jusqu'à 35 jours dans les sauvegardes de votre fournisseur.
holds = Conservation obligatoire
holds-what = Un courriel qui est ou a été dans un tel dossier ne peut pas être effacé tant que la conservation n'est pas levée.
hold-set = Imposer la conservation
hold-lift = Lever la conservation
retention = Durées de conservation
retention-what = Un courriel est conservé ce nombre d'années après la fin de l'année où il a été reçu. Ensuite il est supprimé sans autre question, et personne ne peut le rétablir.
retention-years-what = Sans nombre, les courriels sont conservés pour toujours.
retention-default = Années pour tous les courriels
retention-class = Catégorie de dossiers
retention-class-new = Autre catégorie, par exemple affaires fiscales
retention-class-years = Années pour cette catégorie, si c'est plus long
retention-save = Enregistrer les durées
retention-dossiers = Dossiers d'une catégorie
retention-dossiers-what = Les courriels d'un tel dossier sont conservés pendant la durée de sa catégorie.
retention-no-class = Aucune catégorie
retention-put = Mettre le dossier dans la catégorie
retention-help = Une durée plus longue vaut aussi pour les courriels déjà conservés, en une demi-heure environ. Une durée plus courte ne vaut que pour les nouveaux ; pour l'appliquer aux autres, effacez selon les durées de conservation. Un dossier sous conservation obligatoire garde ses courriels pour toujours : posez-la avant la fin de l'année.
typed-wrong = Quelque chose que vous avez saisi ne convient pas.
typed-wrong-what = Rien n'a été modifié.
field-wrong = « { $name } » ne convient pas.
field-line-wrong = « { $a } » : la ligne { $b } ne convient pas.
hint-address = Il faut une adresse électronique, par exemple nom@cabinet.example.
hint-party = Il faut une adresse électronique, ou @ et un domaine, par exemple @magasin.example.
hint-domain = Il faut un domaine par ligne, par exemple magasin.example.
hint-url = Il faut une adresse qui commence par https:// et qui est accessible depuis l'internet.
hint-text = Il ne peut pas être vide, et compte 200 caractères au plus.
hint-years = Il faut un nombre d'années, ou rien pour toujours. Chaque catégorie a son propre nom.
hint-day = Il faut un jour, par exemple 2026-03-02.
hint-id = Copiez-le encore une fois depuis Entra : il compte 36 caractères.
hint-zone = Il faut le nom d'un fuseau horaire, par exemple Europe/Brussels.
hint-chosen = Choisissez-le encore une fois dans la liste : il a peut-être été supprimé entre-temps.
