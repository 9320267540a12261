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
open = Ouvrir
connect = Connecter
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
firms-none-operator = Il n'y a pas encore de cabinet. Créez-en un par l'API : POST /v1/firms.

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
once-more-send = Vous êtes de nouveau connecté. Envoyez le formulaire encore une fois.
once-more-sign-in = Connectez-vous dans un nouvel onglet. Revenez ensuite ici et envoyez le formulaire encore une fois.
once-more-tab = Se connecter dans un nouvel onglet
once-more-button = Envoyer encore une fois

who-operator = Au tour de votre fournisseur
who-firm-administrator = À votre tour
who-tenant-administrator = Au tour de votre administrateur Microsoft 365
who-app-owner = Au tour du propriétaire de l'inscription d'application
who-user = Au tour du compte connecté
who-integrator = Au tour du développeur
who-nobody = Personne n'a à agir

home-needs = Ce qui attend quelqu'un
home-nothing = Rien n'attend personne en ce moment.
home-in = Tout est-il là ?
home-in-yes = Oui. Tous les courriels des dossiers choisis sont conservés.
home-no-mailbox = Aucune boîte aux lettres n'est encore configurée.
home-chart = Courriels conservés par jour
home-secrets = Secrets qui expirent bientôt
home-help = En haut figure ce que quelqu'un doit faire, avec un bouton pour chaque point. En dessous, vous voyez si tous les courriels sont là. Si rien ne figure en haut, vous n'avez rien à faire.
need-connect = « { $name } » n'est pas encore connecté.
need-connect-how = Connectez-vous chez Microsoft, ou envoyez le lien à la personne qui le peut.
need-activate = { $name } est configurée, mais aucun courriel n'est encore conservé.
need-activate-how = Vérifiez ses dossiers et ses règles, puis activez-la.
secret-ends = Le secret de « { $a } » expire le { $b }.
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
mailboxes-help = Une boîte est complète quand tous les courriels de ses dossiers choisis sont conservés. Pendant la préparation, les nouveaux courriels sont déjà conservés ; attendez pour y déplacer d'anciens courriels. Ouvrez une boîte pour en voir plus.
mailbox-needed = Attend quelqu'un
mailbox-inactive = Pas activée
mailbox-paused = En pause
mailbox-preparing = En préparation
mailbox-preparing-folders = En préparation : { $a } dossiers sur { $b } sont prêts
mailbox-remaining = { $n ->
    [one] Encore { $n } courriel à venir
   *[other] Encore { $n } courriels à venir
}
mailbox-failed = { $n ->
    [one] Microsoft ne délivre pas { $n } courriel ; greffe réessaie
   *[other] Microsoft ne délivre pas { $n } courriels ; greffe réessaie
}
mailbox-incomplete = Une partie attend ; greffe réessaie
mailbox-complete = Complète
mailbox-end = Fin prévue : { $name }.
since-time = Depuis le { $name }
mailbox-what = Ce qui est conservé
mailbox-activated = Les courriels arrivés depuis le { $name } sont conservés.
folders-none = Aucun dossier n'est encore choisi.
folders-all = Tous les dossiers.
folders-include = { $n ->
    [one] Un dossier choisi, et aucun autre.
   *[other] { $n } dossiers choisis, et aucun autre.
}
folders-exclude = { $n ->
    [one] Tous les dossiers sauf un.
   *[other] Tous les dossiers sauf { $n }.
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
history-running = Anciens courriels : { $a } sur { $b } examinés.
history-counting = Les anciens courriels sont en cours de comptage.
mailbox-switch = Activer ou mettre en pause
mailbox-switch-on = À partir de maintenant, les nouveaux courriels des dossiers choisis sont conservés. Fixez d'abord les règles : ce qui est conservé par erreur est plus difficile à retirer.
mailbox-go-on = Ce qui est arrivé pendant la pause est conservé aussi.
mailbox-activate = Activer
mailbox-no-folders = Choisissez d'abord des dossiers.
mailbox-pause-what = Pendant une pause, rien n'est lu. Ce qui arrive entre-temps est conservé quand vous la réactivez.
mailbox-pause = Mettre en pause

search = Rechercher
search-text = Mots
search-from = Adresse de l'expéditeur
search-dossier = Dossier
search-all = Toutes les boîtes
list = Courriels
list-none = Aucun courriel n'est encore conservé. Il apparaît ici quelques secondes après son arrivée.
list-none-found = Aucun courriel ne correspond. Essayez moins de mots, ou une autre boîte.
file-chosen = Classer les courriels choisis dans le dossier
file-in = Dossier
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
choose = Choisir : { $name }
older = Courriels plus anciens
has-attachments = avec pièces jointes
back-to-list = Retour à la liste
mail-no-subject = (sans objet)
mail-kept = Conservé
mail-filed-in = Classé dans { $name }
mail-failed = Pas encore délivré par Microsoft
mail-gone = Supprimé avant lecture
mail-from = De
mail-to = À
mail-cc = Copie
mail-date = Date
mail-text = Texte du courriel
attachments = Pièces jointes
images-withheld = Les images du web ne sont pas chargées, car elles disent à l'expéditeur quand vous lisez.
images-show = Les charger
evidence = Preuve
evidence-since = Conservé inchangé depuis le { $name }.
evidence-number = C'est le numéro { $n } du journal de votre cabinet.
original = Télécharger l'original
