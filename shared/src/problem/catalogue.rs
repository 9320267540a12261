//! The catalogue itself, by subject. An entry without one of its four languages does not compile.
//!
//! What leads to an entry, where it is Microsoft who refuses:
//! - `oauth`: OAuth's `error`, from the token endpoint or a redirect.
//!   <https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application>
//! - `aadsts`: Entra's numbers. <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>; 70021,
//!   700024, 700211 and 700213 are in
//!   <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations> and public issues.
//! - `graph`: Graph's codes. <https://learn.microsoft.com/graph/errors>, and for Outlook those of Exchange:
//!   <https://learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode>
//! - `said`: Graph's words, in the two documented cases whose code alone says too little: Exchange's rules under
//!   `ErrorAccessDenied` or `ExtensionError` (<https://learn.microsoft.com/graph/auth-limit-mailbox-access>), and a
//!   failed handshake under `ValidationError` or the older `InvalidRequest`
//!   (<https://learn.microsoft.com/graph/change-notifications-delivery-webhooks>).
//!
//! Who reads this is no programmer: plain words, no blame, and a term of Microsoft's only beside its explanation.

use super::advice::{Reconnect, ResponsibleParty, Text};
use crate::base::language::Language;

/// An entry of the catalogue.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// The stable name.
    pub code: Code,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// Who has to act.
    pub who: ResponsibleParty,
    /// Whether signing in again helps.
    pub reconnect: Reconnect,
    /// OAuth's `error`s that lead here where no number says more.
    pub oauth: &'static [&'static str],
    /// Entra's numbers (AADSTS) that lead here.
    pub aadsts: &'static [u64],
    /// Graph's codes that lead here.
    pub graph: &'static [&'static str],
    /// Graph's words that lead here, where its code says too little.
    pub said: &'static [&'static str],
    english: Text,
    french: Text,
    dutch: Text,
    german: Text,
}

impl CatalogueEntry {
    /// The texts in that language.
    pub fn text(&self, language: Language) -> Text {
        match language {
            Language::English => self.english,
            Language::French => self.french,
            Language::Dutch => self.dutch,
            Language::German => self.german,
        }
    }
}

macro_rules! catalogue {
    ($(
        $code:ident, $status:literal, $who:ident, $reconnect:ident;
        $(oauth [$($oauth:literal),*])? $(aadsts [$($aadsts:literal),*])? $(graph [$($graph:literal),*])? $(said [$($said:literal),*])?
        en $en:literal $en_next:literal;
        fr $fr:literal $fr_next:literal;
        nl $nl:literal $nl_next:literal;
        de $de:literal $de_next:literal;
    )*) => {
        /// A problem's stable name.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs, reason = "its entry says what each is")]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code of the catalogue, by subject.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];
        }

        /// In the order of [`Code`].
        pub(super) static ENTRIES: &[CatalogueEntry] = &[$(CatalogueEntry {
            code: Code::$code,
            status: $status,
            who: ResponsibleParty::$who,
            reconnect: Reconnect::$reconnect,
            oauth: &[$($($oauth),*)?],
            aadsts: &[$($($aadsts),*)?],
            graph: &[$($($graph),*)?],
            said: &[$($($said),*)?],
            english: Text { meaning: $en, next_action: $en_next },
            french: Text { meaning: $fr, next_action: $fr_next },
            dutch: Text { meaning: $nl, next_action: $nl_next },
            german: Text { meaning: $de, next_action: $de_next },
        },)*];
    };
}

catalogue! {
    // Signing in

    NotConnected, 409, FirmAdministrator, Yes;
        en "Nobody has signed in for this connector yet." "Open the connector's sign-in link (connect_url) in a browser and sign in.";
        fr "Personne ne s'est encore connecté pour ce connecteur." "Ouvrez le lien de connexion du connecteur (connect_url) dans un navigateur et connectez-vous.";
        nl "Voor deze connector heeft nog niemand zich aangemeld." "Open de aanmeldlink van de connector (connect_url) in een browser en meld u aan.";
        de "Für diesen Konnektor hat sich noch niemand angemeldet." "Öffnen Sie den Anmeldelink des Konnektors (connect_url) im Browser und melden Sie sich an.";
    SignInRequired, 409, User, Yes;
        oauth ["invalid_grant", "interaction_required", "login_required"]
        aadsts [70000, 50173, 50058, 50085, 50139, 700020, 9002341]
        en "Microsoft ended the connection; nothing is lost." "Open the connector's sign-in link (connect_url) and sign in again.";
        fr "Microsoft a mis fin à la connexion ; rien n'est perdu." "Ouvrez le lien de connexion du connecteur (connect_url) et connectez-vous à nouveau.";
        nl "Microsoft heeft de verbinding beëindigd; er is niets verloren." "Open de aanmeldlink van de connector (connect_url) en meld u opnieuw aan.";
        de "Microsoft hat die Verbindung beendet; es ist nichts verloren." "Öffnen Sie den Anmeldelink des Konnektors (connect_url) und melden Sie sich erneut an.";
    PasswordChanged, 409, User, Yes;
        aadsts [50132, 50133]
        en "The password of the connected account was changed or has expired, so Microsoft ended the connection; nothing is lost." "Open the connector's sign-in link and sign in again with the new password.";
        fr "Le mot de passe du compte connecté a été modifié ou a expiré : Microsoft a mis fin à la connexion ; rien n'est perdu." "Ouvrez le lien de connexion du connecteur et connectez-vous à nouveau avec le nouveau mot de passe.";
        nl "Het wachtwoord van het verbonden account is gewijzigd of verlopen; Microsoft heeft daarom de verbinding beëindigd. Er is niets verloren." "Open de aanmeldlink van de connector en meld u opnieuw aan met het nieuwe wachtwoord.";
        de "Das Kennwort des verbundenen Kontos wurde geändert oder ist abgelaufen; Microsoft hat deshalb die Verbindung beendet. Es ist nichts verloren." "Öffnen Sie den Anmeldelink des Konnektors und melden Sie sich mit dem neuen Kennwort erneut an.";
    PasswordExpired, 409, User, AfterFix;
        aadsts [50055, 50144, 50125, 50135]
        en "Microsoft asks for a new password for the connected account." "Set a new password at https://www.office.com or ask your administrator for one; then open the connector's sign-in link and sign in again.";
        fr "Microsoft demande un nouveau mot de passe pour le compte connecté." "Choisissez un nouveau mot de passe sur https://www.office.com ou demandez-en un à votre administrateur ; ouvrez ensuite le lien de connexion du connecteur et connectez-vous à nouveau.";
        nl "Microsoft vraagt een nieuw wachtwoord voor het verbonden account." "Kies een nieuw wachtwoord op https://www.office.com of vraag er een aan uw beheerder; open daarna de aanmeldlink van de connector en meld u opnieuw aan.";
        de "Microsoft verlangt ein neues Kennwort für das verbundene Konto." "Legen Sie unter https://www.office.com ein neues Kennwort fest oder bitten Sie Ihren Administrator darum; öffnen Sie dann den Anmeldelink des Konnektors und melden Sie sich erneut an.";
    ConnectionUnused, 409, User, Yes;
        aadsts [70008, 700082]
        en "The connection was not used for too long (as a rule 90 days), so Microsoft ended it; nothing is lost." "Open the connector's sign-in link and sign in again.";
        fr "La connexion est restée inutilisée trop longtemps (en général 90 jours) : Microsoft y a mis fin ; rien n'est perdu." "Ouvrez le lien de connexion du connecteur et connectez-vous à nouveau.";
        nl "De verbinding is te lang niet gebruikt (doorgaans 90 dagen); Microsoft heeft ze daarom beëindigd. Er is niets verloren." "Open de aanmeldlink van de connector en meld u opnieuw aan.";
        de "Die Verbindung wurde zu lange nicht benutzt (in der Regel 90 Tage); Microsoft hat sie deshalb beendet. Es ist nichts verloren." "Öffnen Sie den Anmeldelink des Konnektors und melden Sie sich erneut an.";
    SignInFrequency, 409, User, Yes;
        aadsts [70043]
        en "The organisation requires a new sign-in every so often, and that time is over; nothing is lost." "Open the connector's sign-in link and sign in again. So that this does not come back, the Microsoft 365 administrator can exempt greffe from the sign-in frequency, or connect it for the whole organisation.";
        fr "L'organisation impose de se reconnecter à intervalles réguliers, et ce délai est écoulé ; rien n'est perdu." "Ouvrez le lien de connexion du connecteur et connectez-vous à nouveau. Pour que cela ne revienne pas, l'administrateur Microsoft 365 peut exempter greffe de la fréquence de connexion, ou le connecter pour toute l'organisation.";
        nl "De organisatie verlangt dat men zich regelmatig opnieuw aanmeldt, en die termijn is verstreken; er is niets verloren." "Open de aanmeldlink van de connector en meld u opnieuw aan. Om dit voortaan te vermijden kan de Microsoft 365-beheerder greffe vrijstellen van de aanmeldingsfrequentie, of greffe voor de hele organisatie verbinden.";
        de "Die Organisation verlangt in festen Abständen eine neue Anmeldung, und diese Frist ist abgelaufen; es ist nichts verloren." "Öffnen Sie den Anmeldelink des Konnektors und melden Sie sich erneut an. Damit das nicht wiederkehrt, kann der Microsoft-365-Administrator greffe von der Anmeldehäufigkeit ausnehmen oder es für die ganze Organisation verbinden.";
    MfaRequired, 409, User, Yes;
        aadsts [50074, 50076, 50078, 50158]
        en "Microsoft asks the connected account for its second sign-in step (multifactor authentication, MFA), such as a code on the phone." "Open the connector's sign-in link, sign in again and confirm the second step.";
        fr "Microsoft demande au compte connecté la deuxième étape de connexion (authentification multifacteur, MFA), par exemple un code sur le téléphone." "Ouvrez le lien de connexion du connecteur, connectez-vous à nouveau et confirmez la deuxième étape.";
        nl "Microsoft vraagt het verbonden account om de tweede aanmeldstap (meervoudige verificatie, MFA), bijvoorbeeld een code op de telefoon." "Open de aanmeldlink van de connector, meld u opnieuw aan en bevestig de tweede stap.";
        de "Microsoft verlangt vom verbundenen Konto den zweiten Anmeldeschritt (mehrstufige Authentifizierung, MFA), etwa einen Code auf dem Telefon." "Öffnen Sie den Anmeldelink des Konnektors, melden Sie sich erneut an und bestätigen Sie den zweiten Schritt.";
    MfaNotSetUp, 409, User, AfterFix;
        aadsts [50072, 50079, 53004, 53010]
        en "The second sign-in step (multifactor authentication, MFA) is required, but is not set up for this account yet." "Set it up at https://mysignins.microsoft.com/security-info, where required from the office or a device of the organisation; then open the connector's sign-in link and sign in again.";
        fr "La deuxième étape de connexion (authentification multifacteur, MFA) est exigée, mais elle n'est pas encore configurée pour ce compte." "Configurez-la sur https://mysignins.microsoft.com/security-info, si nécessaire depuis le bureau ou un appareil de l'organisation ; ouvrez ensuite le lien de connexion du connecteur et connectez-vous à nouveau.";
        nl "De tweede aanmeldstap (meervoudige verificatie, MFA) is vereist, maar is voor dit account nog niet ingesteld." "Stel ze in op https://mysignins.microsoft.com/security-info, zo nodig vanop kantoor of met een toestel van de organisatie; open daarna de aanmeldlink van de connector en meld u opnieuw aan.";
        de "Der zweite Anmeldeschritt (mehrstufige Authentifizierung, MFA) wird verlangt, ist für dieses Konto aber noch nicht eingerichtet." "Richten Sie ihn unter https://mysignins.microsoft.com/security-info ein, falls verlangt im Büro oder auf einem Gerät der Organisation; öffnen Sie dann den Anmeldelink des Konnektors und melden Sie sich erneut an.";
    SignInTimedOut, 400, User, Yes;
        aadsts [50089]
        en "The sign-in was not completed in time: it may take ten minutes." "Open the connector's sign-in link again. If Microsoft's page stays empty or ends with \"timeout\" or \"error 524\", the second sign-in step (MFA) is often not set up yet: set it up at https://mysignins.microsoft.com/security-info first.";
        fr "La connexion n'a pas été terminée à temps : elle peut durer dix minutes." "Ouvrez à nouveau le lien de connexion du connecteur. Si la page de Microsoft reste vide ou se termine par « timeout » ou « erreur 524 », la deuxième étape de connexion (MFA) n'est souvent pas encore configurée : configurez-la d'abord sur https://mysignins.microsoft.com/security-info.";
        nl "De aanmelding is niet op tijd voltooid: ze mag tien minuten duren." "Open de aanmeldlink van de connector opnieuw. Blijft de pagina van Microsoft leeg of eindigt ze met \"timeout\" of \"error 524\", dan is de tweede aanmeldstap (MFA) vaak nog niet ingesteld: stel ze eerst in op https://mysignins.microsoft.com/security-info.";
        de "Die Anmeldung wurde nicht rechtzeitig abgeschlossen: sie darf zehn Minuten dauern." "Öffnen Sie den Anmeldelink des Konnektors noch einmal. Bleibt Microsofts Seite leer oder endet sie mit \"Timeout\" oder \"Error 524\", ist der zweite Anmeldeschritt (MFA) oft noch nicht eingerichtet: richten Sie ihn zuerst unter https://mysignins.microsoft.com/security-info ein.";
    SignInExpired, 400, User, Yes;
        aadsts [54005, 501481, 501491, 50147, 700005]
        en "This sign-in is not known, or not any more: the address is incomplete or was changed, or the sign-in ended long ago." "Open the connector's sign-in link again, and go on from there in the same browser.";
        fr "Cette connexion n'est pas connue, ou ne l'est plus : l'adresse est incomplète ou a été modifiée, ou la connexion est terminée depuis longtemps." "Ouvrez à nouveau le lien de connexion du connecteur et poursuivez à partir de là dans le même navigateur.";
        nl "Deze aanmelding is niet of niet meer bekend: het adres is onvolledig of gewijzigd, of de aanmelding is al lang voorbij." "Open de aanmeldlink van de connector opnieuw en ga van daaruit verder in dezelfde browser.";
        de "Diese Anmeldung ist nicht oder nicht mehr bekannt: die Adresse ist unvollständig oder wurde geändert, oder die Anmeldung ist längst vorbei." "Öffnen Sie den Anmeldelink des Konnektors noch einmal und fahren Sie von dort im selben Browser fort.";
    SignInUsed, 400, User, Yes;
        en "This sign-in was used already." "Open the connector's sign-in link again. If that link was used too, ask the person who sent it for a new one.";
        fr "Cette connexion a déjà servi." "Ouvrez à nouveau le lien de connexion du connecteur. Si ce lien a déjà servi lui aussi, demandez-en un nouveau à la personne qui l'a envoyé.";
        nl "Deze aanmelding werd al gebruikt." "Open de aanmeldlink van de connector opnieuw. Werd ook die link al gebruikt, vraag dan een nieuwe aan de persoon die hem stuurde.";
        de "Diese Anmeldung wurde schon benutzt." "Öffnen Sie den Anmeldelink des Konnektors noch einmal. Wurde auch dieser schon benutzt, bitten Sie die Person, die ihn geschickt hat, um einen neuen.";
    SignInOtherBrowser, 400, User, Yes;
        en "This sign-in began in another browser, or this browser keeps no cookies." "Go back to the browser in which you opened the link, or open the connector's sign-in link again in this one and stay in it. Allow cookies for this site, and use no private window that you close in between.";
        fr "Cette connexion a commencé dans un autre navigateur, ou ce navigateur ne conserve pas les cookies." "Revenez au navigateur dans lequel vous avez ouvert le lien, ou ouvrez à nouveau le lien de connexion du connecteur dans celui-ci et restez-y. Autorisez les cookies pour ce site et n'utilisez pas de fenêtre privée que vous fermez entre-temps.";
        nl "Deze aanmelding begon in een andere browser, of deze browser bewaart geen cookies." "Ga terug naar de browser waarin u de link opende, of open de aanmeldlink van de connector opnieuw in deze browser en blijf erin. Sta cookies toe voor deze site en gebruik geen privévenster dat u tussendoor sluit.";
        de "Diese Anmeldung begann in einem anderen Browser, oder dieser Browser behält keine Cookies." "Kehren Sie zu dem Browser zurück, in dem Sie den Link geöffnet haben, oder öffnen Sie den Anmeldelink des Konnektors noch einmal in diesem und bleiben Sie darin. Erlauben Sie Cookies für diese Seite und verwenden Sie kein privates Fenster, das Sie zwischendurch schließen.";
    LinkExpired, 400, User, Yes;
        en "This sign-in link is too old: a link works for one day." "Ask the person who sent you the link for a new one: the connector shows a new link each time it is opened.";
        fr "Ce lien de connexion est trop ancien : un lien est valable un jour." "Demandez un nouveau lien à la personne qui vous l'a envoyé : le connecteur en affiche un nouveau chaque fois qu'on l'ouvre.";
        nl "Deze aanmeldlink is te oud: een link werkt één dag." "Vraag een nieuwe link aan de persoon die hem stuurde: de connector toont een nieuwe telkens als men hem opent.";
        de "Dieser Anmeldelink ist zu alt: ein Link gilt einen Tag." "Bitten Sie die Person, die Ihnen den Link geschickt hat, um einen neuen: der Konnektor zeigt bei jedem Öffnen einen neuen an.";
    LinkUsed, 400, User, Yes;
        en "This sign-in link was used already: a link connects once." "Ask the person who sent you the link for a new one: the connector shows a new link each time it is opened.";
        fr "Ce lien de connexion a déjà servi : un lien ne connecte qu'une fois." "Demandez un nouveau lien à la personne qui vous l'a envoyé : le connecteur en affiche un nouveau chaque fois qu'on l'ouvre.";
        nl "Deze aanmeldlink werd al gebruikt: een link verbindt één keer." "Vraag een nieuwe link aan de persoon die hem stuurde: de connector toont een nieuwe telkens als men hem opent.";
        de "Dieser Anmeldelink wurde schon benutzt: ein Link verbindet einmal." "Bitten Sie die Person, die Ihnen den Link geschickt hat, um einen neuen: der Konnektor zeigt bei jedem Öffnen einen neuen an.";
    InvitationUnusable, 400, User, No;
        en "This invitation can't be used: it is older than a week, a part of the link is missing, or somebody else used it." "Ask the person who invited you for a new link. If you entered before, sign in to the console; no invitation is needed then.";
        fr "Cette invitation n'est pas utilisable : elle date de plus d'une semaine, une partie du lien manque, ou une autre personne l'a utilisée." "Demandez un nouveau lien à la personne qui vous a invité. Si vous êtes déjà entré, connectez-vous à la console ; il ne faut alors plus d'invitation.";
        nl "Deze uitnodiging is niet bruikbaar: ze is ouder dan een week, een deel van de link ontbreekt, of iemand anders heeft ze gebruikt." "Vraag een nieuwe link aan de persoon die u uitnodigde. Kwam u al eerder binnen, meld u dan aan bij de console; een uitnodiging is dan niet nodig.";
        de "Diese Einladung ist nicht verwendbar: sie ist älter als eine Woche, ein Teil des Links fehlt, oder jemand anderes hat sie verwendet." "Bitten Sie die Person, die Sie eingeladen hat, um einen neuen Link. Waren Sie schon einmal angemeldet, melden Sie sich an der Konsole an; eine Einladung brauchen Sie dann nicht.";
    AlreadyConnected, 400, Nobody, No;
        en "This sign-in link was used already: the connector is connected, and nothing is left to do." "You may close this page. To sign in once more, ask the person who sent you the link for a new one.";
        fr "Ce lien de connexion a déjà servi : le connecteur est connecté, il ne reste rien à faire." "Vous pouvez fermer cette page. Pour vous connecter encore une fois, demandez un nouveau lien à la personne qui vous l'a envoyé.";
        nl "Deze aanmeldlink werd al gebruikt: de connector is verbonden en er hoeft niets meer te gebeuren." "U mag deze pagina sluiten. Wilt u zich nog eens aanmelden, vraag dan een nieuwe link aan de persoon die hem stuurde.";
        de "Dieser Anmeldelink wurde schon benutzt: der Konnektor ist verbunden, und es ist nichts mehr zu tun." "Sie können diese Seite schließen. Um sich noch einmal anzumelden, bitten Sie die Person, die Ihnen den Link geschickt hat, um einen neuen.";
    LinkDamaged, 400, User, Yes;
        en "This sign-in link is damaged: a part of it is missing or was changed." "Copy the whole link from the message into the browser's address bar; a mail program may have broken it over two lines. If that does not help, ask the person who sent it for a new one.";
        fr "Ce lien de connexion est abîmé : une partie manque ou a été modifiée." "Copiez le lien entier du message dans la barre d'adresse du navigateur ; un programme de messagerie l'a peut-être coupé sur deux lignes. Si cela ne suffit pas, demandez-en un nouveau à la personne qui l'a envoyé.";
        nl "Deze aanmeldlink is beschadigd: een deel ontbreekt of werd gewijzigd." "Kopieer de hele link uit het bericht naar de adresbalk van de browser; een mailprogramma kan hem over twee regels hebben gebroken. Helpt dat niet, vraag dan een nieuwe aan de persoon die hem stuurde.";
        de "Dieser Anmeldelink ist beschädigt: ein Teil fehlt oder wurde geändert." "Kopieren Sie den ganzen Link aus der Nachricht in die Adresszeile des Browsers; ein Mailprogramm kann ihn auf zwei Zeilen umbrochen haben. Hilft das nicht, bitten Sie die Person, die ihn geschickt hat, um einen neuen.";
    SignInDeclined, 400, User, Yes;
        oauth ["access_denied"]
        aadsts [50056, 50064, 50126, 16001, 50197]
        en "Microsoft did not complete the sign-in." "Open the connector's sign-in link again; where only an administrator may accept the rights, let an administrator open it.";
        fr "Microsoft n'a pas terminé la connexion." "Ouvrez à nouveau le lien de connexion du connecteur ; si seul un administrateur peut accepter les droits, faites-le ouvrir par un administrateur.";
        nl "Microsoft heeft de aanmelding niet voltooid." "Open de aanmeldlink van de connector opnieuw; mag alleen een beheerder de rechten aanvaarden, laat dan een beheerder de link openen.";
        de "Microsoft hat die Anmeldung nicht abgeschlossen." "Öffnen Sie den Anmeldelink des Konnektors noch einmal; darf nur ein Administrator die Rechte gewähren, lassen Sie ihn den Link öffnen.";
    WrongAccount, 409, User, Yes;
        en "Another account signed in than the one this connector belongs to." "Sign in with the connected account, or make a new connector.";
        fr "Le compte qui s'est connecté n'est pas celui de ce connecteur." "Connectez-vous avec le compte du connecteur, ou créez un nouveau connecteur.";
        nl "Er meldde zich een ander account aan dan dat van deze connector." "Meld u aan met het account van de connector, of maak een nieuwe connector.";
        de "Es hat sich ein anderes Konto angemeldet als das dieses Konnektors." "Melden Sie sich mit dem verbundenen Konto an oder legen Sie einen neuen Konnektor an.";
    AdministratorRoleMissing, 403, User, AfterFix;
        en "Access for a whole organisation can be given by a Global Administrator or a Privileged Role Administrator of that organisation only, and Microsoft says that the account that signed in is neither at this moment." "If you have one of these roles as an eligible role, activate it in Entra (Privileged Identity Management), then open the connector's sign-in link and sign in again. Otherwise send the link to such an administrator.";
        fr "Seul un administrateur général ou un administrateur de rôle privilégié de l'organisation peut donner l'accès pour toute l'organisation ; selon Microsoft, le compte qui s'est connecté n'est ni l'un ni l'autre en ce moment." "Si vous êtes éligible à l'un de ces rôles, activez-le dans Entra (Privileged Identity Management), puis ouvrez le lien de connexion du connecteur et connectez-vous à nouveau. Sinon, envoyez le lien à un tel administrateur.";
        nl "Alleen een globale beheerder of een beheerder voor bevoorrechte rollen van de organisatie kan toegang voor de hele organisatie geven; volgens Microsoft is het account dat zich aanmeldde op dit moment geen van beide." "Komt u in aanmerking voor een van deze rollen, activeer die dan in Entra (Privileged Identity Management), open de aanmeldlink van de connector en meld u opnieuw aan. Stuur de link anders naar zo'n beheerder.";
        de "Nur ein globaler Administrator oder ein Administrator für privilegierte Rollen der Organisation kann den Zugriff für die ganze Organisation geben; laut Microsoft ist das angemeldete Konto im Moment keines von beiden." "Sind Sie für eine dieser Rollen berechtigt, aktivieren Sie sie in Entra (Privileged Identity Management), öffnen Sie dann den Anmeldelink des Konnektors und melden Sie sich erneut an. Senden Sie den Link andernfalls an einen solchen Administrator.";
    TenantGrantRequired, 409, Operator, No;
        en "The sign-in is complete, but access for the whole organisation waits until the operator of greffe grants it." "If you signed in: you are done, and need not sign in again; ask the operator of greffe to grant it. If you are the operator: make sure that the firm may open this organisation, then grant it as the operator's guide says.";
        fr "La connexion est faite, mais l'accès pour toute l'organisation attend l'accord de l'exploitant de greffe." "Si vous venez de vous connecter : c'est fait, inutile de recommencer ; demandez à l'exploitant de greffe de l'accorder. Si vous êtes l'exploitant : assurez-vous que le cabinet peut ouvrir cette organisation, puis accordez-le comme le dit le guide de l'exploitant.";
        nl "De aanmelding is voltooid, maar de toegang voor de hele organisatie wacht op de toestemming van de beheerder van greffe." "Hebt u zich aangemeld: u bent klaar en hoeft zich niet opnieuw aan te melden; vraag de beheerder van greffe om de toestemming. Bent u de beheerder: ga na of het kantoor deze organisatie mag openen en geef de toestemming zoals de handleiding voor de beheerder zegt.";
        de "Die Anmeldung ist abgeschlossen, aber der Zugriff für die ganze Organisation wartet auf die Freigabe durch den Betreiber von greffe." "Wenn Sie sich angemeldet haben: Sie sind fertig und müssen sich nicht erneut anmelden; bitten Sie den Betreiber von greffe um die Freigabe. Wenn Sie der Betreiber sind: Stellen Sie sicher, dass die Firma diese Organisation öffnen darf, und erteilen Sie die Freigabe, wie es die Anleitung für Betreiber sagt.";

    // The account

    NothingToGrant, 409, Operator, No;
        en "The connector works without a grant and waits for none." "Nothing has to be done. GET /v1/tenants lists the connectors that wait for a grant.";
        fr "Le connecteur fonctionne sans accord et n'en attend aucun." "Il n'y a rien à faire. GET /v1/tenants liste les connecteurs qui attendent un accord.";
        nl "De connector werkt zonder toestemming van de exploitant en wacht op geen." "Er hoeft niets te gebeuren. GET /v1/tenants somt de connectors op die op toestemming wachten.";
        de "Der Konnektor arbeitet ohne Freigabe und wartet auf keine." "Es ist nichts zu tun. GET /v1/tenants nennt die Konnektoren, die auf eine Freigabe warten.";
    AccountTypeNotAllowed, 409, User, Yes;
        aadsts [50020, 500208, 9002332, 16000, 16003, 90027, 90072, 90084]
        en "This account can't be used here: the app takes another kind of account (work or school, or personal), or the account is not a member or guest of the organisation." "Sign in with an account of the firm, or have the account invited as a guest; the owner of the app registration can allow other kinds of account in Entra under \"Supported account types\".";
        fr "Ce compte ne peut pas servir ici : l'application accepte un autre type de compte (professionnel ou scolaire, ou personnel), ou le compte n'est ni membre ni invité de l'organisation." "Connectez-vous avec un compte du cabinet, ou faites inviter le compte ; la personne qui a inscrit l'application peut autoriser d'autres types de compte dans Entra sous « Types de comptes pris en charge ».";
        nl "Dit account kan hier niet dienen: de app aanvaardt een andere soort account (werk of school, of persoonlijk), of het account is geen lid of gast van de organisatie." "Meld u aan met een account van het kantoor, of laat het account als gast uitnodigen; wie de app registreerde kan in Entra onder \"Ondersteunde accounttypen\" andere soorten toelaten.";
        de "Dieses Konto kann hier nicht verwendet werden: die App nimmt eine andere Art von Konto (Geschäfts-, Schul- oder persönliches Konto), oder das Konto ist weder Mitglied noch Gast der Organisation." "Melden Sie sich mit einem Konto der Firma an oder lassen Sie das Konto als Gast einladen; wer die App registriert hat, kann in Entra unter \"Unterstützte Kontotypen\" andere Arten zulassen.";
    NotForPersonalAccounts, 409, FirmAdministrator, No;
        en "A personal Outlook.com account can do neither this: access for a whole organisation nor shared mailboxes." "Use a work or school account for this, or connect each personal mailbox by its own sign-in.";
        fr "Un compte Outlook.com personnel ne permet ni l'accès pour toute une organisation ni les boîtes aux lettres partagées." "Utilisez un compte professionnel ou scolaire, ou connectez chaque boîte personnelle par sa propre connexion.";
        nl "Een persoonlijk Outlook.com-account kent geen toegang voor een hele organisatie en geen gedeelde postvakken." "Gebruik hiervoor een werk- of schoolaccount, of verbind elk persoonlijk postvak met zijn eigen aanmelding.";
        de "Ein persönliches Outlook.com-Konto kennt weder den Zugriff für eine ganze Organisation noch freigegebene Postfächer." "Verwenden Sie dafür ein Geschäfts- oder Schulkonto, oder verbinden Sie jedes persönliche Postfach mit seiner eigenen Anmeldung.";
    AccountBlocked, 409, TenantAdministrator, AfterFix;
        aadsts [50057]
        en "The connected account is disabled." "Enable the account in Microsoft 365, or connect with another one; if the connection does not come back by itself, sign in again.";
        fr "Le compte connecté est désactivé." "Activez le compte dans Microsoft 365, ou connectez-en un autre ; si la connexion ne revient pas d'elle-même, connectez-vous à nouveau.";
        nl "Het verbonden account is uitgeschakeld." "Schakel het account in Microsoft 365 in, of verbind een ander; komt de verbinding niet vanzelf terug, meld u dan opnieuw aan.";
        de "Das verbundene Konto ist deaktiviert." "Aktivieren Sie das Konto in Microsoft 365 oder verbinden Sie ein anderes; kommt die Verbindung nicht von selbst zurück, melden Sie sich erneut an.";
    AccountGone, 409, TenantAdministrator, AfterFix;
        aadsts [50034, 51004, 50014]
        en "The connected account does not exist in the organisation (any more)." "Restore the account in Microsoft 365 and sign in again, or make a new connector with another account.";
        fr "Le compte connecté n'existe pas (ou plus) dans l'organisation." "Restaurez le compte dans Microsoft 365 et connectez-vous à nouveau, ou créez un nouveau connecteur avec un autre compte.";
        nl "Het verbonden account bestaat niet (meer) in de organisatie." "Herstel het account in Microsoft 365 en meld u opnieuw aan, of maak een nieuwe connector met een ander account.";
        de "Das verbundene Konto gibt es in der Organisation nicht (mehr)." "Stellen Sie das Konto in Microsoft 365 wieder her und melden Sie sich erneut an, oder legen Sie einen neuen Konnektor mit einem anderen Konto an.";
    AccountLocked, 409, User, No;
        aadsts [50053]
        en "Microsoft has locked the account for a while, after too many attempts or because of where they came from." "Wait some minutes and try again; if it stays, let the Microsoft 365 administrator look at the sign-in logs and unlock it.";
        fr "Microsoft a verrouillé le compte pour un moment, après trop de tentatives ou à cause de leur provenance." "Attendez quelques minutes et réessayez ; si cela persiste, demandez à l'administrateur Microsoft 365 de consulter les journaux de connexion et de le déverrouiller.";
        nl "Microsoft heeft het account tijdelijk vergrendeld, na te veel pogingen of wegens de plaats waar ze vandaan kwamen." "Wacht enkele minuten en probeer opnieuw; blijft het zo, laat de Microsoft 365-beheerder dan de aanmeldingslogboeken bekijken en het account ontgrendelen.";
        de "Microsoft hat das Konto vorübergehend gesperrt, nach zu vielen Versuchen oder wegen ihrer Herkunft." "Warten Sie einige Minuten und versuchen Sie es erneut; bleibt es dabei, lassen Sie den Microsoft-365-Administrator die Anmeldeprotokolle ansehen und das Konto entsperren.";
    UserNotAssigned, 409, TenantAdministrator, AfterFix;
        aadsts [50105]
        en "In this organisation only chosen persons may use the app, and this account is not among them." "In Entra, open Enterprise applications, choose the app and add the account under \"Users and groups\"; then sign in again.";
        fr "Dans cette organisation, seules certaines personnes peuvent utiliser l'application, et ce compte n'en fait pas partie." "Dans Entra, ouvrez Applications d'entreprise, choisissez l'application et ajoutez le compte sous « Utilisateurs et groupes » ; connectez-vous ensuite à nouveau.";
        nl "In deze organisatie mogen alleen gekozen personen de app gebruiken, en dit account is er niet bij." "Open in Entra Bedrijfstoepassingen, kies de app en voeg het account toe onder \"Gebruikers en groepen\"; meld u daarna opnieuw aan.";
        de "In dieser Organisation dürfen nur ausgewählte Personen die App verwenden, und dieses Konto gehört nicht dazu." "Öffnen Sie in Entra die Unternehmensanwendungen, wählen Sie die App und fügen Sie das Konto unter \"Benutzer und Gruppen\" hinzu; melden Sie sich dann erneut an.";

    // The organisation's own rules

    BlockedByPolicy, 409, TenantAdministrator, AfterFix;
        aadsts [53003, 530032, 530035, 50002, 500021, 500022, 500212, 500213]
        en "A rule of the organisation keeps greffe out (Conditional Access, security defaults, or a restriction to other organisations); often because greffe works from a server outside the office." "In Entra, see the sign-in logs for the rule, and allow the app or greffe's network address in it; then sign in again if the connection does not come back by itself.";
        fr "Une règle de l'organisation bloque greffe (accès conditionnel, paramètres de sécurité par défaut ou restriction vers d'autres organisations), souvent parce que greffe travaille depuis un serveur hors du bureau." "Dans Entra, cherchez la règle dans les journaux de connexion et autorisez-y l'application ou l'adresse réseau de greffe ; connectez-vous ensuite à nouveau si la connexion ne revient pas d'elle-même.";
        nl "Een regel van de organisatie houdt greffe tegen (voorwaardelijke toegang, standaardinstellingen voor beveiliging of een beperking naar andere organisaties), vaak omdat greffe vanaf een server buiten het kantoor werkt." "Zoek in Entra de regel op in de aanmeldingslogboeken en laat er de app of het netwerkadres van greffe in toe; meld u daarna opnieuw aan als de verbinding niet vanzelf terugkomt.";
        de "Eine Regel der Organisation hält greffe fern (bedingter Zugriff, Sicherheitsstandards oder eine Beschränkung gegenüber anderen Organisationen), oft weil greffe von einem Server außerhalb des Büros arbeitet." "Suchen Sie die Regel in Entra in den Anmeldeprotokollen und lassen Sie dort die App oder die Netzwerkadresse von greffe zu; melden Sie sich dann erneut an, falls die Verbindung nicht von selbst zurückkommt.";
    DeviceRequired, 409, TenantAdministrator, AfterFix;
        aadsts [53000, 53001, 53002, 50005, 50097, 50127, 50129, 50155, 50187, 135011, 700003]
        en "A rule of the organisation allows only its own devices or approved programs; a server such as greffe can never be one." "In Entra, exempt the app from the rule that requires a device (Conditional Access), or connect greffe for the whole organisation; then sign in again if the connection does not come back by itself.";
        fr "Une règle de l'organisation n'admet que ses propres appareils ou des programmes approuvés ; un serveur comme greffe ne peut jamais en être un." "Dans Entra, exemptez l'application de la règle qui exige un appareil (accès conditionnel), ou connectez greffe pour toute l'organisation ; connectez-vous ensuite à nouveau si la connexion ne revient pas d'elle-même.";
        nl "Een regel van de organisatie laat alleen haar eigen toestellen of goedgekeurde programma's toe; een server zoals greffe kan dat nooit zijn." "Stel in Entra de app vrij van de regel die een toestel verlangt (voorwaardelijke toegang), of verbind greffe voor de hele organisatie; meld u daarna opnieuw aan als de verbinding niet vanzelf terugkomt.";
        de "Eine Regel der Organisation lässt nur deren eigene Geräte oder genehmigte Programme zu; ein Server wie greffe kann das nie sein." "Nehmen Sie in Entra die App von der Regel aus, die ein Gerät verlangt (bedingter Zugriff), oder verbinden Sie greffe für die ganze Organisation; melden Sie sich dann erneut an, falls die Verbindung nicht von selbst zurückkommt.";
    RiskBlocked, 409, TenantAdministrator, AfterFix;
        aadsts [50131, 53011, 530034]
        en "Microsoft or the organisation considers this sign-in or account risky and stopped it." "In Entra, see the sign-in logs and the risky users; clear the account once it is safe, and sign in again.";
        fr "Microsoft ou l'organisation juge cette connexion ou ce compte risqué et l'a bloqué." "Dans Entra, consultez les journaux de connexion et les utilisateurs à risque ; levez le risque une fois le compte sûr, puis connectez-vous à nouveau.";
        nl "Microsoft of de organisatie vindt deze aanmelding of dit account riskant en heeft ze tegengehouden." "Bekijk in Entra de aanmeldingslogboeken en de riskante gebruikers; geef het account vrij zodra het veilig is en meld u opnieuw aan.";
        de "Microsoft oder die Organisation hält diese Anmeldung oder dieses Konto für riskant und hat sie angehalten." "Sehen Sie in Entra die Anmeldeprotokolle und die riskanten Benutzer an; geben Sie das Konto frei, sobald es sicher ist, und melden Sie sich erneut an.";
    FirmSignInServiceFailed, 502, TenantAdministrator, AfterFix;
        aadsts [20001, 20012, 20033, 40008, 40009, 40010, 40015, 50008, 50107, 80001, 80002, 80005, 80007, 80010, 80012, 80013, 80014, 90123]
        en "The organisation checks its passwords with a sign-in service of its own, and that service did not confirm the sign-in." "Check that the organisation's sign-in service (federation or authentication agent) runs and can be reached; then sign in again.";
        fr "L'organisation vérifie ses mots de passe avec son propre service de connexion, et ce service n'a pas confirmé la connexion." "Vérifiez que le service de connexion de l'organisation (fédération ou agent d'authentification) fonctionne et est joignable ; connectez-vous ensuite à nouveau.";
        nl "De organisatie controleert wachtwoorden met een eigen aanmelddienst, en die dienst heeft de aanmelding niet bevestigd." "Controleer of de aanmelddienst van de organisatie (federatie of verificatieagent) werkt en bereikbaar is; meld u daarna opnieuw aan.";
        de "Die Organisation prüft Kennwörter mit einem eigenen Anmeldedienst, und dieser hat die Anmeldung nicht bestätigt." "Prüfen Sie, ob der Anmeldedienst der Organisation (Verbund oder Authentifizierungs-Agent) läuft und erreichbar ist; melden Sie sich dann erneut an.";

    // Rights

    ConsentRequired, 409, User, Yes;
        oauth ["consent_required"]
        aadsts [65001, 90008]
        en "The app has not, or no longer, the rights that it needs." "Open the connector's sign-in link, sign in and accept the rights; where only an administrator may do that, let an administrator open it.";
        fr "L'application n'a pas, ou plus, les droits dont elle a besoin." "Ouvrez le lien de connexion du connecteur, connectez-vous et acceptez les droits ; si seul un administrateur peut le faire, faites-le ouvrir par un administrateur.";
        nl "De app heeft de nodige rechten niet, of niet meer." "Open de aanmeldlink van de connector, meld u aan en aanvaard de rechten; mag alleen een beheerder dat, laat dan een beheerder de link openen.";
        de "Die App hat die Rechte, die sie braucht, nicht oder nicht mehr." "Öffnen Sie den Anmeldelink des Konnektors, melden Sie sich an und stimmen Sie den Rechten zu; darf das nur ein Administrator, lassen Sie ihn den Link öffnen.";
    RightMissing, 409, FirmAdministrator, Yes;
        graph ["Authorization_RequestDenied"]
        en "The app lacks a right that this needs." "Open the connector's sign-in link and accept all rights; for the whole organisation, the right must be listed in the app's registration in Entra first.";
        fr "Il manque à l'application un droit nécessaire ici." "Ouvrez le lien de connexion du connecteur et acceptez tous les droits ; pour toute l'organisation, le droit doit d'abord figurer dans l'inscription de l'application dans Entra.";
        nl "De app mist een recht dat hier nodig is." "Open de aanmeldlink van de connector en aanvaard alle rechten; voor de hele organisatie moet het recht eerst in de registratie van de app in Entra staan.";
        de "Der App fehlt ein Recht, das hier nötig ist." "Öffnen Sie den Anmeldelink des Konnektors und stimmen Sie allen Rechten zu; für die ganze Organisation muss das Recht zuerst in der Registrierung der App in Entra stehen.";
    ConsentDeclined, 400, User, Yes;
        aadsts [65004]
        en "The rights that greffe asks for were not accepted, so nothing was connected." "Open the connector's sign-in link again and choose \"Accept\". If a right raises questions, ask your administrator first.";
        fr "Les droits demandés par greffe n'ont pas été acceptés ; rien n'a donc été connecté." "Ouvrez à nouveau le lien de connexion du connecteur et choisissez « Accepter ». Si un droit pose question, parlez-en d'abord à votre administrateur.";
        nl "De rechten die greffe vraagt, zijn niet aanvaard; er is dus niets verbonden." "Open de aanmeldlink van de connector opnieuw en kies \"Accepteren\". Roept een recht vragen op, bespreek het dan eerst met uw beheerder.";
        de "Den Rechten, um die greffe bittet, wurde nicht zugestimmt; es wurde also nichts verbunden." "Öffnen Sie den Anmeldelink des Konnektors noch einmal und wählen Sie \"Akzeptieren\". Wirft ein Recht Fragen auf, sprechen Sie zuerst mit Ihrem Administrator.";
    AdminConsentRequired, 409, TenantAdministrator, AfterFix;
        aadsts [90093, 90094, 90095, 90099]
        en "In this organisation only an administrator may accept the rights that greffe asks for." "In Entra, approve the request, or open Enterprise applications, the app, Permissions, and grant admin consent; then the person opens the sign-in link again.";
        fr "Dans cette organisation, seul un administrateur peut accepter les droits demandés par greffe." "Dans Entra, approuvez la demande, ou ouvrez Applications d'entreprise, l'application, Autorisations, et accordez le consentement administrateur ; la personne ouvre ensuite à nouveau le lien de connexion.";
        nl "In deze organisatie mag alleen een beheerder de rechten aanvaarden die greffe vraagt." "Keur in Entra de aanvraag goed, of open Bedrijfstoepassingen, de app, Machtigingen, en verleen beheerderstoestemming; daarna opent de persoon de aanmeldlink opnieuw.";
        de "In dieser Organisation darf nur ein Administrator den Rechten zustimmen, um die greffe bittet." "Genehmigen Sie in Entra die Anfrage, oder öffnen Sie Unternehmensanwendungen, die App, Berechtigungen, und erteilen Sie die Administratorzustimmung; danach öffnet die Person den Anmeldelink noch einmal.";
    OfflineAccessMissing, 409, TenantAdministrator, AfterFix;
        en "Microsoft completed the sign-in for one hour only, because the app lacks the right to stay connected (offline_access); so nothing was connected." "In Entra, open App registrations, the app, API permissions; add the delegated permission offline_access of Microsoft Graph and grant admin consent. Then open the connector's sign-in link again.";
        fr "Microsoft n'a accordé la connexion que pour une heure, car l'application n'a pas le droit de rester connectée (offline_access) ; rien n'a donc été connecté." "Dans Entra, ouvrez Inscriptions d'applications, l'application, API autorisées ; ajoutez l'autorisation déléguée offline_access de Microsoft Graph et accordez le consentement administrateur. Ouvrez ensuite à nouveau le lien de connexion du connecteur.";
        nl "Microsoft voltooide de aanmelding voor slechts één uur, omdat de app niet verbonden mag blijven (offline_access); er is dus niets verbonden." "Open in Entra App-registraties, de app, API-machtigingen; voeg de gedelegeerde machtiging offline_access van Microsoft Graph toe en verleen beheerderstoestemming. Open daarna de aanmeldlink van de connector opnieuw.";
        de "Microsoft hat die Anmeldung nur für eine Stunde abgeschlossen, weil der App das Recht fehlt, verbunden zu bleiben (offline_access); es wurde also nichts verbunden." "Öffnen Sie in Entra App-Registrierungen, die App, API-Berechtigungen; fügen Sie die delegierte Berechtigung offline_access von Microsoft Graph hinzu und erteilen Sie die Administratorzustimmung. Öffnen Sie danach den Anmeldelink des Konnektors noch einmal.";

    // The app registration

    ClientSecretExpired, 409, AppOwner, No;
        aadsts [7000222]
        en "The app's password at Microsoft (client secret) has expired." "In Entra, open App registrations, the app, \"Certificates & secrets\", make a new client secret and enter its value in greffe. Work then continues.";
        fr "Le mot de passe de l'application chez Microsoft (secret client) a expiré." "Dans Entra, ouvrez Inscriptions d'applications, l'application, « Certificats et secrets », créez un nouveau secret client et saisissez sa valeur dans greffe. Le travail reprend alors de lui-même.";
        nl "Het wachtwoord van de app bij Microsoft (clientgeheim) is verlopen." "Open in Entra App-registraties, de app, \"Certificaten en geheimen\", maak een nieuw clientgeheim en voer de waarde ervan in greffe in. Het werk gaat daarna vanzelf verder.";
        de "Das Kennwort der App bei Microsoft (geheimer Clientschlüssel) ist abgelaufen." "Öffnen Sie in Entra App-Registrierungen, die App, \"Zertifikate & Geheimnisse\", erstellen Sie einen neuen geheimen Clientschlüssel und tragen Sie seinen Wert in greffe ein. Danach geht die Arbeit von selbst weiter.";
    ClientSecretRefused, 409, AppOwner, No;
        oauth ["invalid_client"]
        aadsts [7000215, 70002]
        en "Microsoft does not accept the app's password (client secret): often its id was entered instead of its value, or it was replaced or has expired." "In Entra, make a new client secret and enter its value in greffe, not its id. Microsoft shows the value only once.";
        fr "Microsoft n'accepte pas le mot de passe de l'application (secret client) : souvent, son identifiant a été saisi à la place de sa valeur, ou il a été remplacé ou a expiré." "Dans Entra, créez un nouveau secret client et saisissez dans greffe sa valeur, pas son identifiant. Microsoft n'affiche la valeur qu'une fois.";
        nl "Microsoft aanvaardt het wachtwoord van de app (clientgeheim) niet: vaak is de id ingevoerd in plaats van de waarde, of is het vervangen of verlopen." "Maak in Entra een nieuw clientgeheim en voer in greffe de waarde in, niet de id. Microsoft toont de waarde maar één keer.";
        de "Microsoft nimmt das Kennwort der App (geheimer Clientschlüssel) nicht an: oft wurde seine ID statt seines Werts eingetragen, oder es wurde ersetzt oder ist abgelaufen." "Erstellen Sie in Entra einen neuen geheimen Clientschlüssel und tragen Sie in greffe seinen Wert ein, nicht seine ID. Microsoft zeigt den Wert nur einmal.";
    CertificateRefused, 409, AppOwner, No;
        aadsts [700027, 50012, 700030, 700024, 50013, 500133, 50017, 50048]
        en "Microsoft does not accept the certificate that the app signs in with: it is unknown there, has expired, or belongs to another app." "In Entra, open App registrations, the app, \"Certificates & secrets\", and upload the certificate that greffe uses. Check that greffe's clock is right.";
        fr "Microsoft n'accepte pas le certificat avec lequel l'application s'identifie : il y est inconnu, a expiré ou appartient à une autre application." "Dans Entra, ouvrez Inscriptions d'applications, l'application, « Certificats et secrets », et téléversez le certificat utilisé par greffe. Vérifiez que l'horloge de greffe est à l'heure.";
        nl "Microsoft aanvaardt het certificaat waarmee de app zich aanmeldt niet: het is er onbekend, is verlopen of hoort bij een andere app." "Open in Entra App-registraties, de app, \"Certificaten en geheimen\", en upload het certificaat dat greffe gebruikt. Controleer of de klok van greffe juist staat.";
        de "Microsoft nimmt das Zertifikat nicht an, mit dem die App sich ausweist: es ist dort unbekannt, abgelaufen oder gehört zu einer anderen App." "Öffnen Sie in Entra App-Registrierungen, die App, \"Zertifikate & Geheimnisse\", und laden Sie das Zertifikat hoch, das greffe verwendet. Prüfen Sie, ob die Uhr von greffe richtig geht.";
    AudienceShared, 409, AppOwner, No;
        en "The app trusts greffe at Microsoft without a password, but by an audience that all firms share, which does not say that greffe acts for this firm." "In Entra, open App registrations, the app, \"Certificates & secrets\", \"Federated credentials\", and enter the audience that greffe shows for this firm in each of them. Then switch to `federated` again, or wait: greffe goes over by itself within a day.";
        fr "L'application fait confiance à greffe chez Microsoft sans mot de passe, mais par une audience commune à tous les cabinets, qui ne dit pas que greffe agit pour ce cabinet." "Dans Entra, ouvrez Inscriptions d'applications, l'application, « Certificats et secrets », « Informations d'identification fédérées », et saisissez dans chacune l'audience que greffe affiche pour ce cabinet. Passez ensuite de nouveau à `federated`, ou attendez : greffe y passe de lui-même en un jour.";
        nl "De app vertrouwt greffe bij Microsoft zonder wachtwoord, maar via een doelgroep die alle kantoren delen en die niet zegt dat greffe voor dit kantoor werkt." "Open in Entra App-registraties, de app, \"Certificaten en geheimen\", \"Federatieve referenties\", en vul in elk daarvan de doelgroep in die greffe voor dit kantoor toont. Schakel daarna opnieuw over naar `federated`, of wacht: greffe gaat binnen een dag vanzelf over.";
        de "Die App vertraut greffe bei Microsoft ohne Kennwort, aber über eine Zielgruppe, die alle Firmen teilen und die nicht sagt, dass greffe für diese Firma handelt." "Öffnen Sie in Entra App-Registrierungen, die App, \"Zertifikate & Geheimnisse\", \"Verbundanmeldeinformationen\", und tragen Sie in jede die Zielgruppe ein, die greffe für diese Firma anzeigt. Wechseln Sie dann noch einmal zu `federated`, oder warten Sie: greffe geht innerhalb eines Tages von selbst über.";
    AppGrantRequired, 409, Operator, No;
        en "This app registration belongs to another firm in greffe, or to greffe's operator." "If the firm may use it, ask the operator of greffe to grant it (POST /v1/firms/{firm}/app/grant); work then continues. Otherwise, correct the client id, or register an app of the firm's own in Entra.";
        fr "Cette inscription d'application appartient à un autre cabinet dans greffe, ou à l'exploitant de greffe." "Si le cabinet peut l'utiliser, l'exploitant de greffe l'autorise (POST /v1/firms/{firm}/app/grant) ; le travail reprend alors de lui-même. Sinon, corrigez l'identifiant (client id), ou inscrivez dans Entra une application propre au cabinet.";
        nl "Deze app-registratie hoort bij een ander kantoor in greffe, of bij wie greffe beheert." "Mag het kantoor ze gebruiken, dan staat wie greffe beheert dat toe (POST /v1/firms/{firm}/app/grant); het werk gaat dan vanzelf verder. Verbeter anders de client-id, of registreer in Entra een eigen app van het kantoor.";
        de "Diese App-Registrierung gehört in greffe einer anderen Firma oder dem Betreiber." "Darf die Firma sie benutzen, erlaubt das der Betreiber von greffe (POST /v1/firms/{firm}/app/grant); danach geht die Arbeit von selbst weiter. Sonst berichtigen Sie die Client-ID oder registrieren Sie in Entra eine eigene App der Firma.";
    AppOfAnotherFirm, 409, FirmAdministrator, No;
        en "The app registration belongs to another firm in greffe, or to greffe's operator. Only they change it." "Make the secret or upload the certificate in Entra yourself and enter it here, or have the firm that the registration belongs to change it.";
        fr "L'inscription d'application appartient à un autre cabinet dans greffe, ou à l'exploitant de greffe. Eux seuls la modifient." "Créez le secret ou téléversez le certificat vous-même dans Entra et saisissez-le ici, ou faites modifier l'inscription par le cabinet à qui elle appartient.";
        nl "De app-registratie hoort bij een ander kantoor in greffe, of bij wie greffe beheert. Alleen zij wijzigen ze." "Maak het geheim of upload het certificaat zelf in Entra en voer het hier in, of laat het kantoor waarbij de registratie hoort ze wijzigen.";
        de "Die App-Registrierung gehört in greffe einer anderen Firma oder dem Betreiber. Nur diese ändern sie." "Erstellen Sie das Geheimnis oder laden Sie das Zertifikat selbst in Entra hoch und tragen Sie es hier ein, oder lassen Sie die Firma, der die Registrierung gehört, sie ändern.";
    FederatedCredentialRefused, 409, AppOwner, No;
        aadsts [70021, 700211, 700213, 700229]
        en "The app is to sign in without a password, through AWS, but Microsoft finds no matching agreement (federated credential)." "In Entra, compare the app's federated credential with greffe's: issuer, subject and audience must be the same to the letter. After a change, wait some minutes.";
        fr "L'application doit s'identifier sans mot de passe, par AWS, mais Microsoft ne trouve pas d'accord correspondant (informations d'identification fédérées)." "Dans Entra, comparez les informations d'identification fédérées de l'application avec celles de greffe : émetteur, sujet et audience doivent être identiques à la lettre. Après un changement, attendez quelques minutes.";
        nl "De app moet zich zonder wachtwoord aanmelden, via AWS, maar Microsoft vindt geen passende afspraak (federatieve referentie)." "Vergelijk in Entra de federatieve referentie van de app met die van greffe: uitgever, onderwerp en doelgroep moeten letterlijk gelijk zijn. Wacht na een wijziging enkele minuten.";
        de "Die App soll sich ohne Kennwort über AWS ausweisen, aber Microsoft findet keine passende Vereinbarung (Verbundanmeldeinformationen)." "Vergleichen Sie in Entra die Verbundanmeldeinformationen der App mit denen von greffe: Aussteller, Antragsteller und Zielgruppe müssen buchstäblich gleich sein. Warten Sie nach einer Änderung einige Minuten.";
    FederationOff, 409, Operator, No;
        en "The app is to sign in without a password, through AWS, but this AWS account issues no identity tokens." "Run \"aws iam enable-outbound-web-identity-federation\" once in the AWS account, and let the functions' roles call sts:GetWebIdentityToken.";
        fr "L'application doit s'identifier sans mot de passe, par AWS, mais ce compte AWS n'émet pas de jetons d'identité." "Exécutez une fois « aws iam enable-outbound-web-identity-federation » dans le compte AWS, et autorisez les rôles des fonctions à appeler sts:GetWebIdentityToken.";
        nl "De app moet zich zonder wachtwoord aanmelden, via AWS, maar dit AWS-account geeft geen identiteitstokens uit." "Voer één keer \"aws iam enable-outbound-web-identity-federation\" uit in het AWS-account, en laat de rollen van de functies sts:GetWebIdentityToken aanroepen.";
        de "Die App soll sich ohne Kennwort über AWS ausweisen, aber dieses AWS-Konto stellt keine Identitätstoken aus." "Führen Sie im AWS-Konto einmal \"aws iam enable-outbound-web-identity-federation\" aus, und erlauben Sie den Rollen der Funktionen sts:GetWebIdentityToken.";
    RotationNotAllowed, 409, AppOwner, No;
        en "The app may not change its own credentials, so greffe can't renew them by itself." "Make a new client secret in Entra and enter it in greffe. Or give the app the permission Application.ReadWrite.OwnedBy, with admin consent, and make its enterprise application an owner of its registration; then try again.";
        fr "L'application n'a pas le droit de modifier ses propres identifiants ; greffe ne peut donc pas les renouveler de lui-même." "Créez un nouveau secret client dans Entra et saisissez-le dans greffe. Ou donnez à l'application l'autorisation Application.ReadWrite.OwnedBy, avec le consentement de l'administrateur, et faites de son application d'entreprise un propriétaire de son inscription ; réessayez ensuite.";
        nl "De app mag haar eigen aanmeldgegevens niet wijzigen, dus greffe kan ze niet zelf vernieuwen." "Maak in Entra een nieuw clientgeheim en voer het in greffe in. Of geef de app de machtiging Application.ReadWrite.OwnedBy, met beheerderstoestemming, en maak haar bedrijfstoepassing eigenaar van haar registratie; probeer het daarna opnieuw.";
        de "Die App darf ihre eigenen Anmeldedaten nicht ändern, also kann greffe sie nicht selbst erneuern." "Erstellen Sie in Entra einen neuen geheimen Clientschlüssel und tragen Sie ihn in greffe ein. Oder geben Sie der App die Berechtigung Application.ReadWrite.OwnedBy mit Administratorzustimmung, und machen Sie ihre Unternehmensanwendung zum Besitzer ihrer Registrierung; versuchen Sie es dann erneut.";
    CredentialForbidden, 409, TenantAdministrator, No;
        graph ["CredentialTypeNotAllowedAsPerAppPolicy", "CredentialInvalidLifetimeAsPerAppPolicy"]
        en "A rule of the organisation (app management policy) forbids the app such a credential, or one that lives so long." "Use a certificate or a federated credential instead of a client secret, or have the rule relaxed for this app in Entra.";
        fr "Une règle de l'organisation (stratégie de gestion des applications) interdit à l'application un tel identifiant, ou une telle durée de validité." "Utilisez un certificat ou des informations d'identification fédérées au lieu d'un secret client, ou faites assouplir la règle pour cette application dans Entra.";
        nl "Een regel van de organisatie (beleid voor app-beheer) verbiedt de app zulke aanmeldgegevens, of gegevens die zo lang gelden." "Gebruik een certificaat of een federatieve referentie in plaats van een clientgeheim, of laat de regel voor deze app in Entra versoepelen.";
        de "Eine Regel der Organisation (App-Verwaltungsrichtlinie) verbietet der App solche Anmeldedaten, oder solche mit dieser Laufzeit." "Verwenden Sie ein Zertifikat oder Verbundanmeldeinformationen statt eines geheimen Clientschlüssels, oder lassen Sie die Regel für diese App in Entra lockern.";
    PlatformsApp, 409, Operator, No;
        en "This connector works with the app registration of greffe's operator, and only the operator changes its credential." "Ask the operator of greffe.";
        fr "Ce connecteur utilise l'application inscrite par l'exploitant de greffe, et lui seul change ses identifiants." "Adressez-vous à celui qui exploite greffe pour vous.";
        nl "Deze connector gebruikt de app-registratie van de exploitant van greffe, en alleen die wijzigt de aanmeldgegevens ervan." "Vraag het aan wie greffe voor u beheert.";
        de "Dieser Konnektor verwendet die App-Registrierung des Betreibers von greffe, und nur dieser ändert ihre Anmeldedaten." "Wenden Sie sich an den Betreiber von greffe.";
    AppIsPublic, 409, AppOwner, AfterFix;
        aadsts [700025, 700084]
        en "The app is registered at Microsoft as a program on a device or in a browser, not as a web service." "In Entra, open App registrations, the app, Authentication, and add greffe's redirect address under the platform \"Web\" (and remove it from the others); then sign in again.";
        fr "L'application est inscrite chez Microsoft comme programme sur un appareil ou dans un navigateur, et non comme service web." "Dans Entra, ouvrez Inscriptions d'applications, l'application, Authentification, et ajoutez l'adresse de redirection de greffe sous la plateforme « Web » (et retirez-la des autres) ; connectez-vous ensuite à nouveau.";
        nl "De app is bij Microsoft geregistreerd als programma op een toestel of in een browser, niet als webdienst." "Open in Entra App-registraties, de app, Verificatie, en voeg het omleidingsadres van greffe toe onder het platform \"Web\" (en verwijder het bij de andere); meld u daarna opnieuw aan.";
        de "Die App ist bei Microsoft als Programm auf einem Gerät oder im Browser registriert, nicht als Webdienst." "Öffnen Sie in Entra App-Registrierungen, die App, Authentifizierung, und fügen Sie die Umleitungsadresse von greffe unter der Plattform \"Web\" hinzu (und entfernen Sie sie bei den anderen); melden Sie sich dann erneut an.";
    RedirectNotRegistered, 409, AppOwner, No;
        aadsts [50011, 70004, 900971]
        en "The address that Microsoft shall send the browser back to (redirect URI) is not registered for the app." "In Entra, open App registrations, the app, Authentication, and add greffe's redirect address to the letter under \"Web\"; then open the sign-in link again.";
        fr "L'adresse vers laquelle Microsoft doit renvoyer le navigateur (URI de redirection) n'est pas enregistrée pour l'application." "Dans Entra, ouvrez Inscriptions d'applications, l'application, Authentification, et ajoutez sous « Web » l'adresse de redirection de greffe, à la lettre ; ouvrez ensuite à nouveau le lien de connexion.";
        nl "Het adres waarnaar Microsoft de browser moet terugsturen (omleidings-URI) is niet geregistreerd voor de app." "Open in Entra App-registraties, de app, Verificatie, en voeg onder \"Web\" het omleidingsadres van greffe letterlijk toe; open daarna de aanmeldlink opnieuw.";
        de "Die Adresse, an die Microsoft den Browser zurückschicken soll (Umleitungs-URI), ist für die App nicht eingetragen." "Öffnen Sie in Entra App-Registrierungen, die App, Authentifizierung, und fügen Sie unter \"Web\" die Umleitungsadresse von greffe buchstabengetreu hinzu; öffnen Sie dann den Anmeldelink noch einmal.";
    PermissionNotRegistered, 409, AppOwner, AfterFix;
        oauth ["invalid_scope"]
        aadsts [650056, 650057, 65005, 70011]
        en "A right that greffe needs is not listed in the app's registration." "In Entra, open App registrations, the app, \"API permissions\", add the rights of Microsoft Graph that greffe's manual names, grant consent, and sign in again.";
        fr "Un droit dont greffe a besoin ne figure pas dans l'inscription de l'application." "Dans Entra, ouvrez Inscriptions d'applications, l'application, « Autorisations API », ajoutez les droits de Microsoft Graph que cite le manuel de greffe, accordez le consentement et connectez-vous à nouveau.";
        nl "Een recht dat greffe nodig heeft, staat niet in de registratie van de app." "Open in Entra App-registraties, de app, \"API-machtigingen\", voeg de rechten van Microsoft Graph toe die de handleiding van greffe noemt, verleen toestemming en meld u opnieuw aan.";
        de "Ein Recht, das greffe braucht, steht nicht in der Registrierung der App." "Öffnen Sie in Entra App-Registrierungen, die App, \"API-Berechtigungen\", fügen Sie die Rechte von Microsoft Graph hinzu, die das Handbuch von greffe nennt, erteilen Sie die Zustimmung und melden Sie sich erneut an.";
    AppForOneOrganisation, 409, AppOwner, AfterFix;
        aadsts [50194]
        en "The app is registered for one organisation only, but somebody is to sign in from any." "In Entra, allow accounts of any organisation for the app (\"Supported account types\"), or give the connector that organisation's own app with its tenant id; then sign in again.";
        fr "L'application n'est inscrite que pour une seule organisation, alors que la connexion doit être possible depuis toutes." "Dans Entra, autorisez pour l'application les comptes de toute organisation (« Types de comptes pris en charge »), ou donnez au connecteur l'application de cette organisation avec son identifiant (tenant id) ; connectez-vous ensuite à nouveau.";
        nl "De app is maar voor één organisatie geregistreerd, terwijl men zich vanuit elke organisatie moet kunnen aanmelden." "Laat in Entra voor de app accounts van elke organisatie toe (\"Ondersteunde accounttypen\"), of geef de connector de eigen app van die organisatie met haar tenant-id; meld u daarna opnieuw aan.";
        de "Die App ist nur für eine Organisation registriert, die Anmeldung soll aber aus jeder möglich sein." "Lassen Sie in Entra für die App Konten jeder Organisation zu (\"Unterstützte Kontotypen\"), oder geben Sie dem Konnektor die eigene App dieser Organisation mit ihrer Mandanten-ID; melden Sie sich dann erneut an.";
    AppUnknown, 409, TenantAdministrator, AfterFix;
        oauth ["unauthorized_client"]
        aadsts [700016, 700011]
        en "Microsoft does not know the app in this organisation: it was never accepted there, was removed, or its id is another." "Check the client id and the tenant id, then let an administrator open the connector's sign-in link and accept the app.";
        fr "Microsoft ne connaît pas l'application dans cette organisation : elle n'y a jamais été acceptée, a été retirée, ou son identifiant est autre." "Vérifiez l'identifiant de l'application (client id) et celui de l'organisation (tenant id), puis faites ouvrir le lien de connexion du connecteur par un administrateur qui accepte l'application.";
        nl "Microsoft kent de app niet in deze organisatie: ze is er nooit aanvaard, is verwijderd, of heeft een andere id." "Controleer de client-id en de tenant-id, en laat daarna een beheerder de aanmeldlink van de connector openen en de app aanvaarden.";
        de "Microsoft kennt die App in dieser Organisation nicht: sie wurde dort nie angenommen, wurde entfernt oder hat eine andere ID." "Prüfen Sie die Client-ID und die Mandanten-ID, und lassen Sie dann einen Administrator den Anmeldelink des Konnektors öffnen und der App zustimmen.";
    AppDisabled, 409, TenantAdministrator, No;
        aadsts [7000112, 70001, 1000031]
        en "The app is switched off in this organisation, or by Microsoft." "In Entra, open Enterprise applications, the app, Properties, and set \"Enabled for users to sign in\" to Yes. If it is not the organisation that switched it off, ask the operator of greffe.";
        fr "L'application est désactivée dans cette organisation, ou par Microsoft." "Dans Entra, ouvrez Applications d'entreprise, l'application, Propriétés, et mettez « Activé pour que les utilisateurs se connectent » sur Oui. Si ce n'est pas l'organisation qui l'a désactivée, adressez-vous à l'exploitant de greffe.";
        nl "De app is in deze organisatie, of door Microsoft, uitgeschakeld." "Open in Entra Bedrijfstoepassingen, de app, Eigenschappen, en zet \"Ingeschakeld voor aanmelding door gebruikers\" op Ja. Heeft niet de organisatie ze uitgeschakeld, vraag het dan aan de exploitant van greffe.";
        de "Die App ist in dieser Organisation oder von Microsoft abgeschaltet." "Öffnen Sie in Entra Unternehmensanwendungen, die App, Eigenschaften, und stellen Sie \"Aktiviert für die Benutzeranmeldung\" auf Ja. Hat nicht die Organisation sie abgeschaltet, fragen Sie den Betreiber von greffe.";
    TenantUnknown, 409, FirmAdministrator, No;
        aadsts [90002, 50059, 90019, 50128, 50049, 50029, 9001023, 90124, 90130]
        en "Microsoft can't tell which organisation is meant: its id or domain is missing or unknown." "Correct the organisation's id (tenant id; in Entra under Overview) in the connector, then try again.";
        fr "Microsoft ne sait pas de quelle organisation il s'agit : son identifiant ou son domaine manque ou est inconnu." "Corrigez l'identifiant de l'organisation (tenant id ; dans Entra sous Vue d'ensemble) dans le connecteur, puis réessayez.";
        nl "Microsoft weet niet welke organisatie bedoeld is: haar id of domein ontbreekt of is onbekend." "Verbeter de id van de organisatie (tenant-id; in Entra onder Overzicht) in de connector en probeer opnieuw.";
        de "Microsoft erkennt nicht, welche Organisation gemeint ist: ihre ID oder Domäne fehlt oder ist unbekannt." "Berichtigen Sie die ID der Organisation (Mandanten-ID; in Entra unter Übersicht) im Konnektor und versuchen Sie es erneut.";
    OtherCloud, 409, Operator, AfterFix;
        aadsts [90038, 900382, 900432, 90043, 90051, 1000104]
        en "The organisation lives in another of Microsoft's clouds (such as US government or China) than the one this greffe is set to." "Use a greffe that is set to that cloud; its app must be registered there.";
        fr "L'organisation se trouve dans un autre cloud de Microsoft (par exemple gouvernement américain ou Chine) que celui pour lequel ce greffe est réglé." "Utilisez un greffe réglé pour ce cloud ; son application doit y être inscrite.";
        nl "De organisatie bevindt zich in een andere cloud van Microsoft (zoals die van de Amerikaanse overheid of China) dan die waarop deze greffe is ingesteld." "Gebruik een greffe die op die cloud is ingesteld; de app moet daar geregistreerd zijn.";
        de "Die Organisation liegt in einer anderen Cloud von Microsoft (etwa US-Behörden oder China) als der, auf die dieses greffe eingestellt ist." "Verwenden Sie ein greffe, das auf diese Cloud eingestellt ist; seine App muss dort registriert sein.";
    ServiceMissing, 409, TenantAdministrator, No;
        oauth ["invalid_resource"]
        aadsts [650052, 650054, 500011, 50001]
        en "The organisation has not subscribed to, or has switched off, the Microsoft service that greffe needs (mail, calendar or Microsoft Graph)." "Check in the Microsoft 365 admin center that the organisation has a subscription with Exchange Online and that it is active.";
        fr "L'organisation n'est pas abonnée au service Microsoft dont greffe a besoin (courrier, calendrier ou Microsoft Graph), ou l'a désactivé." "Vérifiez dans le Centre d'administration Microsoft 365 que l'organisation a un abonnement avec Exchange Online et qu'il est actif.";
        nl "De organisatie is niet geabonneerd op de Microsoft-dienst die greffe nodig heeft (mail, agenda of Microsoft Graph), of heeft die uitgeschakeld." "Controleer in het Microsoft 365-beheercentrum of de organisatie een abonnement met Exchange Online heeft en of het actief is.";
        de "Die Organisation hat den Microsoft-Dienst, den greffe braucht (Mail, Kalender oder Microsoft Graph), nicht abonniert oder abgeschaltet." "Prüfen Sie im Microsoft 365 Admin Center, ob die Organisation ein Abonnement mit Exchange Online hat und ob es aktiv ist.";
    NoPlatformApp, 409, Operator, No;
        en "This greffe has no app registration of its own." "Set GREFFE_APP_CLIENT_ID and its secret, or give the connector the firm's own app.";
        fr "Ce greffe n'a pas d'application inscrite chez Microsoft." "Définissez GREFFE_APP_CLIENT_ID et son secret, ou donnez au connecteur l'application du cabinet.";
        nl "Deze greffe heeft geen eigen app-registratie bij Microsoft." "Stel GREFFE_APP_CLIENT_ID en het geheim in, of geef de connector de eigen app van het kantoor.";
        de "Dieses greffe hat keine eigene App-Registrierung bei Microsoft." "Setzen Sie GREFFE_APP_CLIENT_ID und das zugehörige Geheimnis, oder geben Sie dem Konnektor die eigene App der Firma.";
    OtherOwnApp, 409, FirmAdministrator, No;
        en "The firm brought another app registration of its own already." "Use that one for this connector too, or the platform's.";
        fr "Le cabinet a déjà apporté une autre application inscrite chez Microsoft." "Utilisez celle-là aussi pour ce connecteur, ou celle de la plateforme.";
        nl "Het kantoor heeft al een andere eigen app-registratie opgegeven." "Gebruik die ook voor deze connector, of die van het platform.";
        de "Die Firma hat bereits eine andere eigene App-Registrierung hinterlegt." "Verwenden Sie diese auch für diesen Konnektor, oder die der Plattform.";

    // Mailboxes

    MailboxOutOfReach, 422, FirmAdministrator, No;
        graph ["ErrorAccessDenied", "ExtensionError", "ErrorItemNotFound", "ResourceNotFound"]
        en "Microsoft does not let this connector open the mailbox." "Check the address; let the Microsoft 365 administrator give the connected account full access to the mailbox, or include it in the Exchange rules for the app; then try again. A change takes up to two hours to count. If every mailbox is refused, open the sign-in link again and accept all rights.";
        fr "Microsoft ne laisse pas ce connecteur ouvrir la boîte aux lettres." "Vérifiez l'adresse ; demandez à l'administrateur Microsoft 365 de donner au compte connecté l'accès complet à la boîte, ou de l'inclure dans les règles Exchange de l'application ; réessayez ensuite. Un changement prend jusqu'à deux heures. Si toutes les boîtes sont refusées, ouvrez à nouveau le lien de connexion et acceptez tous les droits.";
        nl "Microsoft laat deze connector het postvak niet openen." "Controleer het adres; laat de Microsoft 365-beheerder het verbonden account volledige toegang tot het postvak geven, of het postvak opnemen in de Exchange-regels voor de app; probeer daarna opnieuw. Een wijziging kan twee uur nodig hebben. Wordt elk postvak geweigerd, open dan de aanmeldlink opnieuw en aanvaard alle rechten.";
        de "Microsoft lässt diesen Konnektor das Postfach nicht öffnen." "Prüfen Sie die Adresse; lassen Sie den Microsoft-365-Administrator dem verbundenen Konto Vollzugriff auf das Postfach geben oder es in die Exchange-Regeln für die App aufnehmen; versuchen Sie es dann erneut. Eine Änderung braucht bis zu zwei Stunden. Wird jedes Postfach abgelehnt, öffnen Sie den Anmeldelink noch einmal und stimmen Sie allen Rechten zu.";
    MailboxExcluded, 422, TenantAdministrator, No;
        said ["Access to OData is disabled"]
        en "A rule in Exchange keeps the app away from this mailbox." "If greffe shall read it, add the mailbox to the group or scope of that rule (application access policy, or RBAC for Applications). The change takes up to two hours to count; nobody has to sign in again.";
        fr "Une règle d'Exchange tient l'application à l'écart de cette boîte aux lettres." "Si greffe doit la lire, ajoutez la boîte au groupe ou à l'étendue de cette règle (stratégie d'accès des applications, ou RBAC pour les applications). Le changement prend jusqu'à deux heures ; personne ne doit se reconnecter.";
        nl "Een regel in Exchange houdt de app weg van dit postvak." "Moet greffe het lezen, voeg het postvak dan toe aan de groep of het bereik van die regel (toegangsbeleid voor toepassingen, of RBAC voor toepassingen). De wijziging kan twee uur nodig hebben; niemand hoeft zich opnieuw aan te melden.";
        de "Eine Regel in Exchange hält die App von diesem Postfach fern." "Soll greffe es lesen, nehmen Sie das Postfach in die Gruppe oder den Bereich dieser Regel auf (Anwendungszugriffsrichtlinie oder RBAC für Anwendungen). Die Änderung braucht bis zu zwei Stunden; niemand muss sich erneut anmelden.";
    MailboxUnknown, 422, FirmAdministrator, No;
        graph ["ErrorInvalidUser", "Request_ResourceNotFound", "ErrorNonExistentMailbox"]
        en "Microsoft knows no mailbox with this address in the organisation." "Check the spelling of the address; if the mailbox was renamed or deleted, enter its new address or remove it here.";
        fr "Microsoft ne connaît pas de boîte aux lettres à cette adresse dans l'organisation." "Vérifiez l'orthographe de l'adresse ; si la boîte a été renommée ou supprimée, saisissez sa nouvelle adresse ou retirez-la ici.";
        nl "Microsoft kent in de organisatie geen postvak met dit adres." "Controleer de spelling van het adres; is het postvak hernoemd of verwijderd, voer dan het nieuwe adres in of verwijder het hier.";
        de "Microsoft kennt in der Organisation kein Postfach mit dieser Adresse." "Prüfen Sie die Schreibweise der Adresse; wurde das Postfach umbenannt oder gelöscht, tragen Sie die neue Adresse ein oder entfernen Sie es hier.";
    MailboxMissing, 422, TenantAdministrator, No;
        graph ["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"]
        en "The account has no mailbox in Microsoft 365 that greffe can read: it has no Exchange licence, was removed, or lies on a server of the firm's own." "Give the account a licence with Exchange Online in the Microsoft 365 admin center, or move its mailbox there. Work then continues.";
        fr "Le compte n'a pas dans Microsoft 365 de boîte aux lettres que greffe puisse lire : il n'a pas de licence Exchange, elle a été retirée, ou elle se trouve sur un serveur du cabinet." "Donnez au compte une licence avec Exchange Online dans le Centre d'administration Microsoft 365, ou déplacez-y sa boîte. Le travail reprend alors de lui-même.";
        nl "Het account heeft in Microsoft 365 geen postvak dat greffe kan lezen: het heeft geen Exchange-licentie, is verwijderd of staat op een eigen server van het kantoor." "Geef het account in het Microsoft 365-beheercentrum een licentie met Exchange Online, of verplaats het postvak daarheen. Het werk gaat daarna vanzelf verder.";
        de "Das Konto hat in Microsoft 365 kein Postfach, das greffe lesen kann: es hat keine Exchange-Lizenz, wurde entfernt oder liegt auf einem eigenen Server der Firma." "Geben Sie dem Konto im Microsoft 365 Admin Center eine Lizenz mit Exchange Online, oder verschieben Sie das Postfach dorthin. Danach geht die Arbeit von selbst weiter.";
    MailboxFull, 409, User, No;
        graph ["ErrorQuotaExceeded", "quotaLimitReached"]
        en "The mailbox is full, so Outlook takes nothing new, not even a mark." "Empty Deleted Items or archive old mail, or ask the Microsoft 365 administrator for more space. Work then continues.";
        fr "La boîte aux lettres est pleine : Outlook n'y accepte plus rien, pas même une marque." "Videz les éléments supprimés ou archivez d'anciens messages, ou demandez plus d'espace à l'administrateur Microsoft 365. Le travail reprend alors de lui-même.";
        nl "Het postvak is vol: Outlook neemt niets nieuws meer aan, ook geen markering." "Maak de verwijderde items leeg of archiveer oude mail, of vraag de Microsoft 365-beheerder om meer ruimte. Het werk gaat daarna vanzelf verder.";
        de "Das Postfach ist voll: Outlook nimmt nichts Neues mehr an, auch keine Markierung." "Leeren Sie die gelöschten Elemente oder archivieren Sie alte Mails, oder bitten Sie den Microsoft-365-Administrator um mehr Platz. Danach geht die Arbeit von selbst weiter.";
    FolderGone, 409, FirmAdministrator, No;
        graph ["ErrorFolderNotFound"]
        en "A chosen folder was deleted in Outlook, or is no longer shared." "Choose the folders of this mailbox anew, or restore the folder in Outlook. What was kept stays kept.";
        fr "Un dossier choisi a été supprimé dans Outlook, ou n'est plus partagé." "Choisissez à nouveau les dossiers de cette boîte aux lettres, ou restaurez le dossier dans Outlook. Ce qui a été conservé le reste.";
        nl "Een gekozen map is in Outlook verwijderd of wordt niet meer gedeeld." "Kies de mappen van dit postvak opnieuw, of herstel de map in Outlook. Wat bewaard is, blijft bewaard.";
        de "Ein ausgewählter Ordner wurde in Outlook gelöscht oder ist nicht mehr freigegeben." "Wählen Sie die Ordner dieses Postfachs neu, oder stellen Sie den Ordner in Outlook wieder her. Was aufbewahrt ist, bleibt aufbewahrt.";
    AddressTaken, 409, FirmAdministrator, No;
        en "The firm has a mailbox with this address already." "Use the mailbox that is there.";
        fr "Le cabinet a déjà une boîte aux lettres à cette adresse." "Utilisez la boîte qui existe déjà.";
        nl "Het kantoor heeft al een postvak met dit adres." "Gebruik het postvak dat er al is.";
        de "Die Firma hat bereits ein Postfach mit dieser Adresse." "Verwenden Sie das vorhandene Postfach.";
    ExternalIdTaken, 409, Integrator, No;
        en "Another item has this `external_id` already." "Use the item that has it, or choose another `external_id`.";
        fr "Un autre élément a déjà cet `external_id`." "Utilisez l'élément qui le porte, ou choisissez un autre `external_id`.";
        nl "Een ander item heeft deze `external_id` al." "Gebruik het item dat hem heeft, of kies een andere `external_id`.";
        de "Ein anderer Eintrag hat diese `external_id` bereits." "Verwenden Sie den Eintrag, der sie hat, oder wählen Sie eine andere `external_id`.";
    AddressAmbiguous, 409, FirmAdministrator, No;
        en "Several accounts of the organisation carry this address." "Name the account by its sign-in name, or have the Microsoft 365 administrator leave the address to one account.";
        fr "Plusieurs comptes de l'organisation portent cette adresse." "Désignez le compte par son nom de connexion, ou demandez à l'administrateur Microsoft 365 de laisser l'adresse à un seul compte.";
        nl "Verschillende accounts van de organisatie hebben dit adres." "Noem het account bij zijn aanmeldnaam, of laat de Microsoft 365-beheerder het adres bij één account laten.";
        de "Mehrere Konten der Organisation haben diese Adresse." "Nennen Sie das Konto bei seinem Anmeldenamen, oder lassen Sie den Microsoft-365-Administrator die Adresse nur einem Konto geben.";
    MailboxInactive, 409, FirmAdministrator, No;
        en "This mailbox is not active, so greffe does not read it." "Activate the mailbox, then try again.";
        fr "Cette boîte aux lettres n'est pas active : greffe ne la lit pas." "Activez la boîte aux lettres, puis réessayez.";
        nl "Dit postvak is niet actief; greffe leest het niet." "Activeer het postvak en probeer opnieuw.";
        de "Dieses Postfach ist nicht aktiv; greffe liest es nicht." "Aktivieren Sie das Postfach und versuchen Sie es dann erneut.";
    MemberExists, 409, FirmAdministrator, No;
        en "The firm has a member with this address already." "Use the member that is there.";
        fr "Le cabinet a déjà un membre à cette adresse." "Utilisez le membre qui existe déjà.";
        nl "Het kantoor heeft al een lid met dit adres." "Gebruik het lid dat er al is.";
        de "Die Firma hat bereits ein Mitglied mit dieser Adresse." "Verwenden Sie das vorhandene Mitglied.";
    NoSelection, 409, FirmAdministrator, No;
        en "No folders are chosen for this mailbox." "Choose the folders to keep, then activate.";
        fr "Aucun dossier n'est choisi pour cette boîte aux lettres." "Choisissez les dossiers à conserver, puis activez.";
        nl "Voor dit postvak zijn geen mappen gekozen." "Kies de te bewaren mappen en activeer daarna.";
        de "Für dieses Postfach sind keine Ordner ausgewählt." "Wählen Sie die aufzubewahrenden Ordner und aktivieren Sie dann.";
    GrantRequired, 403, Operator, No;
        en "Mail from before the activation is kept only where the operator granted it." "Grant it for this mailbox, as far back as is agreed; then activate it with the start date again. Without a start date it can be activated at once.";
        fr "Les messages antérieurs à l'activation ne sont conservés que si l'exploitant l'a accordé." "Accordez-le pour cette boîte aux lettres, jusqu'à la date convenue ; activez-la ensuite à nouveau avec la date de début. Sans date de début, elle peut être activée tout de suite.";
        nl "Mail van voor de activering wordt alleen bewaard als de exploitant dat heeft toegestaan." "Sta het voor dit postvak toe, zo ver terug als afgesproken; activeer het daarna opnieuw met de begindatum. Zonder begindatum kan het meteen worden geactiveerd.";
        de "Mails aus der Zeit vor der Aktivierung werden nur aufbewahrt, wenn der Betreiber es gewährt hat." "Gewähren Sie es für dieses Postfach, so weit zurück wie vereinbart; aktivieren Sie es dann erneut mit dem Anfangsdatum. Ohne Anfangsdatum kann es sofort aktiviert werden.";
    NotArchived, 409, Nobody, No;
        en "The original of this message is not in the archive." "Look at the message's state: it is not archived yet, or it was skipped, was deleted, failed, was erased, or expired at the end of its retention period.";
        fr "L'original de ce message n'est pas dans l'archive." "Regardez l'état du message : il n'est pas encore archivé, ou il a été écarté, supprimé, effacé, est en échec, ou a expiré à la fin de sa durée de conservation.";
        nl "Het origineel van dit bericht zit niet in het archief." "Bekijk de toestand van het bericht: het is nog niet gearchiveerd, of het is overgeslagen, verwijderd, mislukt, gewist, of vervallen aan het einde van zijn bewaartermijn.";
        de "Das Original dieser Nachricht ist nicht im Archiv." "Sehen Sie den Zustand der Nachricht an: sie ist noch nicht archiviert, oder sie wurde übergangen, gelöscht, ist gescheitert, wurde entfernt, oder ist am Ende ihrer Aufbewahrungsfrist abgelaufen.";

    NotProposed, 409, Nobody, No;
        en "This mail is not proposed for this dossier." "Read the proposals again. To file it there all the same, or to move it, file it by its id.";
        fr "Ce courriel n'est pas proposé pour ce dossier." "Relisez les propositions. Pour l'y classer quand même, ou pour le déplacer, classez-le par son identifiant.";
        nl "Deze e-mail wordt niet voor dit dossier voorgesteld." "Lees de voorstellen opnieuw. Om hem er toch te klasseren, of om hem te verplaatsen, klasseert u hem met zijn id.";
        de "Diese E-Mail wird für diese Akte nicht vorgeschlagen." "Lesen Sie die Vorschläge noch einmal. Um sie trotzdem dort abzulegen oder zu verschieben, legen Sie sie mit ihrer Id ab.";

    PushNotGranted, 409, FirmAdministrator, Yes;
        en "Dates or contacts are to go to this member's Outlook, but the connector never asked for the right to write there." "Switch on dates or contacts on the connector, then open its sign-in link and accept the rights; or switch them off for this member.";
        fr "Des dates ou des contacts doivent aller dans l'Outlook de ce membre, mais le connecteur n'a jamais demandé le droit d'y écrire." "Activez les dates ou les contacts sur le connecteur, puis ouvrez son lien de connexion et acceptez les droits ; ou désactivez-les pour ce membre.";
        nl "Datums of contacten moeten naar de Outlook van dit lid, maar de connector heeft nooit het recht gevraagd om daar te schrijven." "Zet datums of contacten aan op de connector, open daarna de aanmeldlink ervan en aanvaard de rechten; of zet ze uit voor dit lid.";
        de "Termine oder Kontakte sollen in das Outlook dieses Mitglieds, aber der Konnektor hat nie um das Recht gebeten, dort zu schreiben." "Schalten Sie Termine oder Kontakte am Konnektor ein, öffnen Sie dann seinen Anmeldelink und akzeptieren Sie die Rechte; oder schalten Sie sie für dieses Mitglied aus.";
    PushForbidden, 422, TenantAdministrator, AfterFix;
        en "Microsoft does not let this connector into this part of the member's Outlook (calendar, To Do or contacts). What it lets in goes on." "Let the Microsoft 365 administrator give the app the missing right (Calendars.ReadWrite, Tasks.ReadWrite.All or Contacts.ReadWrite) in Entra, or include the mailbox in the Exchange rules for the app; or switch this part off for the member. A change takes up to two hours to count. If it still does not work, open the sign-in link again and accept all rights.";
        fr "Microsoft ne laisse pas ce connecteur accéder à cette partie de l'Outlook du membre (calendrier, To Do ou contacts). Le reste continue." "Demandez à l'administrateur Microsoft 365 de donner à l'application l'autorisation manquante (Calendars.ReadWrite, Tasks.ReadWrite.All ou Contacts.ReadWrite) dans Entra, ou d'inclure la boîte dans les règles Exchange de l'application ; ou désactivez cette partie pour le membre. Un changement prend jusqu'à deux heures. Si rien ne change, ouvrez à nouveau le lien de connexion et acceptez tous les droits.";
        nl "Microsoft laat deze connector niet toe in dit deel van de Outlook van het lid (agenda, To Do of contacten). De rest gaat door." "Laat de Microsoft 365-beheerder de app in Entra het ontbrekende recht geven (Calendars.ReadWrite, Tasks.ReadWrite.All of Contacts.ReadWrite), of het postvak opnemen in de Exchange-regels voor de app; of zet dit deel uit voor het lid. Een wijziging kan twee uur nodig hebben. Helpt dat niet, open dan de aanmeldlink opnieuw en aanvaard alle rechten.";
        de "Microsoft lässt diesen Konnektor nicht in diesen Teil des Outlook des Mitglieds (Kalender, To Do oder Kontakte). Der Rest läuft weiter." "Lassen Sie den Microsoft-365-Administrator der App in Entra das fehlende Recht geben (Calendars.ReadWrite, Tasks.ReadWrite.All oder Contacts.ReadWrite) oder das Postfach in die Exchange-Regeln für die App aufnehmen; oder schalten Sie diesen Teil für das Mitglied aus. Eine Änderung braucht bis zu zwei Stunden. Hilft das nicht, öffnen Sie den Anmeldelink noch einmal und stimmen Sie allen Rechten zu.";
    ItemRefused, 422, Integrator, No;
        en "Microsoft does not take this date or contact as it is; all others are unaffected." "Correct it in the business application, guided by Microsoft's own code, and send it again. If it looks right, report it with that code to the operator of greffe.";
        fr "Microsoft n'accepte pas cette date ou ce contact tel quel ; tous les autres ne sont pas touchés." "Corrigez-le dans l'application métier, en vous aidant du code de Microsoft, et renvoyez-le. S'il semble correct, signalez-le avec ce code à l'exploitant de greffe.";
        nl "Microsoft aanvaardt deze datum of dit contact niet zoals hij is; alle andere blijven ongemoeid." "Verbeter hem in de bedrijfstoepassing, aan de hand van Microsofts eigen code, en stuur hem opnieuw. Lijkt hij juist, meld hem dan met die code aan wie greffe beheert.";
        de "Microsoft nimmt diesen Termin oder Kontakt so nicht an; alle anderen sind nicht betroffen." "Berichtigen Sie ihn in der Fachanwendung anhand von Microsofts eigenem Code und senden Sie ihn erneut. Scheint er richtig, melden Sie ihn mit diesem Code dem Betreiber von greffe.";

    ValueNotKept, 422, Integrator, No;
        en "Outlook took this contact, but did not keep one of its e-mail addresses." "Correct the e-mail addresses of this contact and send it again.";
        fr "Outlook a pris ce contact, mais n'a pas gardé l'une de ses adresses e-mail." "Corrigez les adresses e-mail de ce contact et envoyez-le à nouveau.";
        nl "Outlook nam dit contact aan, maar bewaarde een van zijn e-mailadressen niet." "Verbeter de e-mailadressen van dit contact en verstuur het opnieuw.";
        de "Outlook hat diesen Kontakt übernommen, aber eine seiner E-Mail-Adressen nicht behalten." "Berichtigen Sie die E-Mail-Adressen dieses Kontakts und senden Sie ihn noch einmal.";

    // Microsoft itself

    MicrosoftBusy, 503, Nobody, No;
        oauth ["temporarily_unavailable", "server_error"]
        aadsts [90055, 50196, 90033, 90006, 50087, 90024, 90012, 50033, 50088, 50166, 70012, 90090, 90091]
        graph ["InvalidAuthenticationToken", "TooManyRequests", "ApplicationThrottled", "activityLimitReached", "ErrorServerBusy", "ErrorMailboxStoreUnavailable", "ErrorMailboxMoveInProgress", "ErrorInternalServerTransientError", "serviceNotAvailable", "UnknownError"]
        en "Microsoft asks to wait, or can't be reached at the moment." "Nothing: greffe tries again. If you were signing in, or made a request, wait a minute and begin again.";
        fr "Microsoft demande d'attendre, ou n'est pas joignable pour le moment." "Rien : greffe réessaie de lui-même. Si vous étiez en train de vous connecter, ou avez fait une requête, attendez une minute et recommencez.";
        nl "Microsoft vraagt te wachten, of is nu niet bereikbaar." "Niets: greffe probeert vanzelf opnieuw. Was u aan het aanmelden, of deed u een verzoek, wacht dan een minuut en begin opnieuw.";
        de "Microsoft bittet zu warten oder ist im Moment nicht erreichbar." "Nichts: greffe versucht es von selbst erneut. Wenn Sie sich gerade anmeldeten oder etwas anfragten, warten Sie eine Minute und beginnen Sie von vorn.";
    FolderUnreadable, 503, Nobody, No;
        en "Microsoft does not let greffe read one folder at the moment. Mail of all other folders is kept; new mail of this one comes later." "Nothing: greffe tries again at least every quarter of an hour and misses no mail. If it lasts more than a day, check that the folder opens in Outlook, then give Microsoft's code, shown here, to the operator of greffe.";
        fr "Microsoft ne laisse pas greffe lire un dossier pour le moment. Les messages de tous les autres dossiers sont conservés ; les nouveaux messages de celui-ci arriveront plus tard." "Rien : greffe réessaie au moins tous les quarts d'heure et ne perd aucun message. Si cela dure plus d'un jour, vérifiez que le dossier s'ouvre dans Outlook, puis transmettez le code de Microsoft affiché ici à l'exploitant de greffe.";
        nl "Microsoft laat greffe een map nu niet lezen. Mail van alle andere mappen wordt bewaard; nieuwe mail van deze map komt later." "Niets: greffe probeert minstens elk kwartier opnieuw en mist geen mail. Duurt het langer dan een dag, controleer dan of de map in Outlook opent en geef de code van Microsoft, die hier staat, aan wie greffe beheert.";
        de "Microsoft lässt greffe einen Ordner im Moment nicht lesen. Mails aller anderen Ordner werden aufbewahrt; neue Mails dieses Ordners kommen später." "Nichts: greffe versucht es mindestens jede Viertelstunde wieder und verliert keine Mail. Dauert es länger als einen Tag, prüfen Sie, ob sich der Ordner in Outlook öffnet, und geben Sie dann Microsofts Code, der hier steht, dem Betreiber von greffe.";
    FolderListUnreadable, 503, Nobody, No;
        en "Microsoft does not list the older mail of one folder at the moment. New mail is kept; the granted history, or the comparison with the archive, is not complete for this folder." "Nothing: greffe tries again at least every quarter of an hour and goes on where it stopped. If it lasts more than a day, give Microsoft's code, shown here, to the operator of greffe.";
        fr "Microsoft ne liste pas les anciens messages d'un dossier pour le moment. Les nouveaux messages sont conservés ; l'historique accordé, ou la comparaison avec l'archive, n'est pas complet pour ce dossier." "Rien : greffe réessaie au moins tous les quarts d'heure et reprend où il s'est arrêté. Si cela dure plus d'un jour, transmettez le code de Microsoft affiché ici à l'exploitant de greffe.";
        nl "Microsoft somt de oudere mail van een map nu niet op. Nieuwe mail wordt bewaard; de toegestane historiek, of de vergelijking met het archief, is voor deze map niet volledig." "Niets: greffe probeert minstens elk kwartier opnieuw en gaat verder waar het stopte. Duurt het langer dan een dag, geef dan de code van Microsoft, die hier staat, aan wie greffe beheert.";
        de "Microsoft listet die älteren Mails eines Ordners im Moment nicht auf. Neue Mails werden aufbewahrt; die gewährte Vorgeschichte oder der Vergleich mit dem Archiv ist für diesen Ordner nicht vollständig." "Nichts: greffe versucht es mindestens jede Viertelstunde wieder und macht dort weiter, wo es aufgehört hat. Dauert es länger als einen Tag, geben Sie Microsofts Code, der hier steht, dem Betreiber von greffe.";
    FolderTreeUnreadable, 503, Nobody, No;
        en "Microsoft does not show the tree of folders at the moment. Mail of the folders that greffe knows is kept; folders that were made or moved lately are found later." "Nothing: greffe tries again at least every quarter of an hour. If it lasts more than a day, give Microsoft's code, shown here, to the operator of greffe.";
        fr "Microsoft ne montre pas l'arborescence des dossiers pour le moment. Les messages des dossiers que greffe connaît sont conservés ; les dossiers créés ou déplacés récemment seront trouvés plus tard." "Rien : greffe réessaie au moins tous les quarts d'heure. Si cela dure plus d'un jour, transmettez le code de Microsoft affiché ici à l'exploitant de greffe.";
        nl "Microsoft toont de mappenstructuur nu niet. Mail van de mappen die greffe kent wordt bewaard; mappen die onlangs zijn gemaakt of verplaatst worden later gevonden." "Niets: greffe probeert minstens elk kwartier opnieuw. Duurt het langer dan een dag, geef dan de code van Microsoft, die hier staat, aan wie greffe beheert.";
        de "Microsoft zeigt den Ordnerbaum im Moment nicht. Mails der Ordner, die greffe kennt, werden aufbewahrt; vor Kurzem angelegte oder verschobene Ordner werden später gefunden." "Nichts: greffe versucht es mindestens jede Viertelstunde wieder. Dauert es länger als einen Tag, geben Sie Microsofts Code, der hier steht, dem Betreiber von greffe.";
    NotificationsMissing, 503, Nobody, No;
        en "Microsoft does not announce new mail of this mailbox at the moment. Mail is still kept, some minutes later." "Nothing: greffe looks for new mail every few minutes and tries again to be notified. If it lasts more than a day, give Microsoft's code, shown here, to the operator of greffe.";
        fr "Microsoft n'annonce pas les nouveaux messages de cette boîte pour le moment. Les messages sont tout de même conservés, quelques minutes plus tard." "Rien : greffe cherche les nouveaux messages toutes les quelques minutes et redemande à être averti. Si cela dure plus d'un jour, transmettez le code de Microsoft affiché ici à l'exploitant de greffe.";
        nl "Microsoft kondigt nieuwe mail van deze mailbox nu niet aan. Mail wordt toch bewaard, enkele minuten later." "Niets: greffe zoekt om de paar minuten naar nieuwe mail en vraagt opnieuw om meldingen. Duurt het langer dan een dag, geef dan de code van Microsoft, die hier staat, aan wie greffe beheert.";
        de "Microsoft kündigt neue Mails dieses Postfachs im Moment nicht an. Mails werden trotzdem aufbewahrt, einige Minuten später." "Nichts: greffe sucht alle paar Minuten nach neuen Mails und bittet erneut um Meldungen. Dauert es länger als einen Tag, geben Sie Microsofts Code, der hier steht, dem Betreiber von greffe.";
    CategoriesUnavailable, 503, Nobody, No;
        en "Microsoft does not show this mailbox's list of categories at the moment. Mail is kept and marked; a mark may have no colour." "Nothing: greffe tries again.";
        fr "Microsoft ne montre pas la liste des catégories de cette boîte pour le moment. Les messages sont conservés et marqués ; une marque peut être sans couleur." "Rien : greffe réessaie de lui-même.";
        nl "Microsoft toont de categorieënlijst van deze mailbox nu niet. Mail wordt bewaard en gemarkeerd; een markering kan zonder kleur zijn." "Niets: greffe probeert vanzelf opnieuw.";
        de "Microsoft zeigt die Kategorienliste dieses Postfachs im Moment nicht. Mails werden aufbewahrt und markiert; eine Markierung kann ohne Farbe sein." "Nichts: greffe versucht es von selbst erneut.";
    MarksMissing, 503, Nobody, No;
        en "Microsoft does not let greffe mark mail of this mailbox at the moment. Mail is kept; its marks in Outlook come later." "Nothing: greffe tries again at least every quarter of an hour. If it lasts more than a day, give Microsoft's code, shown here, to the operator of greffe.";
        fr "Microsoft ne laisse pas greffe marquer les messages de cette boîte pour le moment. Les messages sont conservés ; leurs marques dans Outlook viendront plus tard." "Rien : greffe réessaie au moins tous les quarts d'heure. Si cela dure plus d'un jour, transmettez le code de Microsoft affiché ici à l'exploitant de greffe.";
        nl "Microsoft laat greffe mail van dit postvak nu niet markeren. Mail wordt bewaard; de markeringen in Outlook komen later." "Niets: greffe probeert minstens elk kwartier opnieuw. Duurt het langer dan een dag, geef dan de code van Microsoft, die hier staat, aan wie greffe beheert.";
        de "Microsoft lässt greffe die Mails dieses Postfachs im Moment nicht markieren. Mails werden aufbewahrt; ihre Markierungen in Outlook kommen später." "Nichts: greffe versucht es mindestens jede Viertelstunde wieder. Dauert es länger als einen Tag, geben Sie Microsofts Code, der hier steht, dem Betreiber von greffe.";
    ChangedMeanwhile, 409, Nobody, No;
        graph ["ErrorIrresolvableConflict"]
        en "The item was changed in Outlook at the same moment." "Nothing: greffe reads it again and repeats its change.";
        fr "L'élément a été modifié dans Outlook au même moment." "Rien : greffe le relit et répète sa modification.";
        nl "Het item is op hetzelfde ogenblik in Outlook gewijzigd." "Niets: greffe leest het opnieuw en herhaalt zijn wijziging.";
        de "Das Element wurde im selben Augenblick in Outlook geändert." "Nichts: greffe liest es noch einmal und wiederholt seine Änderung.";
    ThereAlready, 409, Nobody, No;
        graph ["ErrorDuplicateTransactionId", "ErrorFolderExists"]
        en "What was to be made is there already, from an attempt whose answer was lost." "Nothing: greffe goes on with what is there.";
        fr "Ce qui devait être créé existe déjà, suite à une tentative dont la réponse s'est perdue." "Rien : greffe continue avec ce qui existe.";
        nl "Wat gemaakt moest worden, bestaat al, door een poging waarvan het antwoord verloren ging." "Niets: greffe gaat verder met wat er is.";
        de "Was angelegt werden sollte, ist schon da, aus einem Versuch, dessen Antwort verloren ging." "Nichts: greffe macht mit dem weiter, was da ist.";
    ReadAnew, 409, Nobody, No;
        graph ["SyncStateNotFound", "resyncRequired"]
        en "Microsoft no longer knows how far greffe had read a folder." "Nothing: greffe reads the folder anew and keeps nothing twice.";
        fr "Microsoft ne sait plus jusqu'où greffe avait lu un dossier." "Rien : greffe relit le dossier et ne conserve rien en double.";
        nl "Microsoft weet niet meer hoever greffe een map had gelezen." "Niets: greffe leest de map opnieuw en bewaart niets dubbel.";
        de "Microsoft weiß nicht mehr, wie weit greffe einen Ordner gelesen hatte." "Nichts: greffe liest den Ordner neu und bewahrt nichts doppelt auf.";
    NotificationsUnreachable, 502, Operator, No;
        graph ["ValidationError"] said ["Subscription validation request"]
        en "Microsoft could not reach the address at which greffe takes notices of new mail. Mail is still received, only later." "Check that greffe's address for notices can be reached from the internet by HTTPS and answers within ten seconds.";
        fr "Microsoft n'a pas pu joindre l'adresse où greffe reçoit les avis de nouveaux messages. Les messages sont tout de même reçus, mais plus tard." "Vérifiez que l'adresse de greffe pour les avis est joignable depuis Internet en HTTPS et répond en moins de dix secondes.";
        nl "Microsoft kon het adres niet bereiken waarop greffe meldingen van nieuwe mail ontvangt. Mail wordt toch ontvangen, alleen later." "Controleer of het adres van greffe voor meldingen via HTTPS vanaf het internet bereikbaar is en binnen tien seconden antwoordt.";
        de "Microsoft konnte die Adresse nicht erreichen, unter der greffe Meldungen über neue Mails annimmt. Mails kommen trotzdem an, nur später." "Prüfen Sie, ob die Adresse von greffe für Meldungen aus dem Internet per HTTPS erreichbar ist und innerhalb von zehn Sekunden antwortet.";
    AskedWrongly, 502, Operator, No;
        oauth ["unsupported_grant_type", "unsupported_response_type"]
        aadsts [7000218, 7000114, 28002, 28003, 50027, 70003, 70005, 70007, 700022, 700023, 700054, 90004, 90005, 90010, 90013, 90014, 900144, 90015, 90023, 9002313, 90056, 900561, 90100, 901002, 90102]
        graph ["ErrorInvalidIdMalformed", "BadRequest"]
        en "greffe asked Microsoft in a way that it does not take: a mistake or a setting of greffe, not of yours." "Give the makers of greffe Microsoft's code and message; check greffe's settings for Microsoft.";
        fr "greffe a adressé à Microsoft une demande que celui-ci n'accepte pas : c'est une erreur ou un réglage de greffe, pas de votre côté." "Transmettez aux auteurs de greffe le code et le message de Microsoft ; vérifiez les réglages de greffe pour Microsoft.";
        nl "greffe heeft Microsoft iets gevraagd op een manier die het niet aanneemt: een fout of instelling van greffe, niet van u." "Geef de makers van greffe de code en het bericht van Microsoft; controleer de instellingen van greffe voor Microsoft.";
        de "greffe hat Microsoft auf eine Weise gefragt, die es nicht annimmt: ein Fehler oder eine Einstellung von greffe, nicht von Ihnen." "Geben Sie den Entwicklern von greffe Microsofts Code und Meldung; prüfen Sie die Einstellungen von greffe für Microsoft.";
    MicrosoftRefused, 502, FirmAdministrator, AfterFix;
        en "Microsoft refused, for a reason that greffe does not know." "Read Microsoft's own code and message, shown here as they came; https://login.microsoftonline.com/error explains codes that begin with AADSTS. If they don't help, give both to the operator.";
        fr "Microsoft a refusé, pour une raison que greffe ne connaît pas." "Lisez le code et le message de Microsoft, affichés ici tels quels ; https://login.microsoftonline.com/error explique les codes qui commencent par AADSTS. S'ils n'aident pas, transmettez-les à l'exploitant.";
        nl "Microsoft heeft geweigerd, om een reden die greffe niet kent." "Lees de code en het bericht van Microsoft, die hier staan zoals ze kwamen; https://login.microsoftonline.com/error verklaart codes die met AADSTS beginnen. Helpen ze niet, geef ze dan aan de exploitant.";
        de "Microsoft hat abgelehnt, aus einem Grund, den greffe nicht kennt." "Lesen Sie Microsofts Code und Meldung, die hier unverändert stehen; https://login.microsoftonline.com/error erklärt Codes, die mit AADSTS beginnen. Helfen sie nicht, geben Sie beides dem Betreiber.";

    // greffe's own secrets

    SecretsUnreadable, 503, Operator, AfterFix;
        en "greffe can't open what it keeps sealed: a secret of greffe itself, such as its key ring, is missing, unreadable or another one. Nothing is lost." "The operator of greffe brings the secret back, as the operator's guide says under KeyRingUnreadable; work then continues. If it is gone for good, open the connector's sign-in link and sign in again.";
        fr "greffe ne peut pas ouvrir ce qu'il conserve scellé : un secret de greffe lui-même, comme son trousseau de clés, manque, est illisible ou a été remplacé. Rien n'est perdu." "L'exploitant de greffe rétablit le secret comme l'indique son guide sous KeyRingUnreadable ; le travail reprend alors de lui-même. S'il est perdu pour de bon, ouvrez le lien de connexion du connecteur et connectez-vous à nouveau.";
        nl "greffe kan niet openen wat het verzegeld bewaart: een geheim van greffe zelf, zoals zijn sleutelbos, ontbreekt, is onleesbaar of is een ander. Er is niets verloren." "Wie greffe beheert zet het geheim terug zoals zijn handleiding onder KeyRingUnreadable zegt; het werk gaat dan vanzelf verder. Is het voorgoed weg, open dan de aanmeldlink van de connector en meld u opnieuw aan.";
        de "greffe kann nicht öffnen, was es versiegelt aufbewahrt: ein Geheimnis von greffe selbst, etwa sein Schlüsselbund, fehlt, ist unlesbar oder ein anderes. Es ist nichts verloren." "Der Betreiber von greffe stellt das Geheimnis wieder her, wie es in seinem Handbuch unter KeyRingUnreadable steht; danach geht die Arbeit von selbst weiter. Ist es endgültig verloren, öffnen Sie den Anmeldelink des Konnektors und melden Sie sich erneut an.";

    // greffe's own API

    InvalidRequest, 400, Integrator, No;
        en "The request is not what this route takes." "Correct the request as the detail says and send it again.";
        fr "La requête n'est pas celle que cette adresse attend." "Corrigez la requête comme l'indique le détail et renvoyez-la.";
        nl "Het verzoek is niet wat dit adres verwacht." "Verbeter het verzoek zoals het detail zegt en stuur het opnieuw.";
        de "Die Anfrage ist nicht das, was diese Adresse erwartet." "Berichtigen Sie die Anfrage, wie es im Detail steht, und senden Sie sie erneut.";
    BodyTooLarge, 413, Integrator, No;
        en "The request's body is larger than this route takes." "Send a smaller body.";
        fr "Le contenu de la requête est plus grand que ce que cette adresse accepte." "Envoyez un contenu plus petit.";
        nl "De inhoud van het verzoek is groter dan dit adres aanneemt." "Stuur een kleinere inhoud.";
        de "Der Inhalt der Anfrage ist größer, als diese Adresse annimmt." "Senden Sie einen kleineren Inhalt.";
    RangeBeyondEnd, 416, Integrator, No;
        en "The range begins behind the end." "Ask for bytes that there are: the header Content-Range of the answer says how many there are.";
        fr "La plage demandée commence après la fin." "Demandez des octets qui existent : l'en-tête Content-Range de la réponse dit combien il y en a.";
        nl "Het gevraagde bereik begint achter het einde." "Vraag bytes die er zijn: de header Content-Range van het antwoord zegt hoeveel het er zijn.";
        de "Der verlangte Bereich beginnt hinter dem Ende." "Verlangen Sie Bytes, die es gibt: Der Header Content-Range der Antwort sagt, wie viele es sind.";
    AnswerTooLarge, 413, Integrator, No;
        en "What was asked for is larger than one answer may be; the detail says how large that is." "Download the original by /content. An attachment comes in parts with the header Range, and a proof without the original by original=false.";
        fr "Ce qui est demandé est plus grand que ce qu'une réponse peut contenir ; le détail dit combien c'est." "Téléchargez l'original par /content. Une pièce jointe s'obtient par parties avec l'en-tête Range, et une preuve sans l'original avec original=false.";
        nl "Wat gevraagd is, is groter dan wat één antwoord mag bevatten; het detail zegt hoeveel dat is." "Download het origineel via /content. Een bijlage komt in delen met de header Range, en een bewijs zonder het origineel met original=false.";
        de "Was verlangt wurde, ist größer, als eine Antwort sein darf; das Detail sagt, wie groß das ist." "Laden Sie das Original über /content herunter. Ein Anhang kommt in Teilen mit dem Header Range, und ein Beweis ohne das Original mit original=false.";
    NotInLog, 409, Nobody, No;
        en "The firm's log, which proves what was archived, does not reach this message yet." "Try again in a quarter of an hour: greffe appends to the log at regular intervals.";
        fr "Le journal du cabinet, qui prouve ce qui a été archivé, ne va pas encore jusqu'à ce message." "Réessayez dans un quart d'heure : greffe complète le journal à intervalles réguliers.";
        nl "Het log van het kantoor, dat bewijst wat gearchiveerd is, reikt nog niet tot dit bericht." "Probeer het over een kwartier opnieuw: greffe vult het log op geregelde tijden aan.";
        de "Das Log der Firma, das beweist, was archiviert wurde, reicht noch nicht bis zu dieser Nachricht." "Versuchen Sie es in einer Viertelstunde wieder: greffe ergänzt das Log in regelmäßigen Abständen.";
    EvidenceAltered, 500, Operator, No;
        en "Something that proves this message is missing, or is not as it was written; the detail names it. greffe gives out no proof that does not hold." "The operator runs the verification as the operator's guide says under EvidenceFaults, and finds out who changed it.";
        fr "Un élément qui prouve ce message manque, ou n'est plus tel qu'il a été écrit ; le détail le nomme. greffe ne remet pas de preuve qui ne tient pas." "L'exploitant lance la vérification comme l'indique son guide sous EvidenceFaults, et cherche qui l'a modifié.";
        nl "Iets dat dit bericht bewijst ontbreekt, of is niet zoals het geschreven werd; het detail noemt het. greffe geeft geen bewijs dat niet klopt." "De exploitant voert de verificatie uit zoals zijn handleiding onder EvidenceFaults zegt, en zoekt uit wie het gewijzigd heeft.";
        de "Etwas, das diese Nachricht beweist, fehlt oder ist nicht, wie es geschrieben wurde; das Detail nennt es. greffe gibt keinen Nachweis heraus, der nicht stimmt." "Der Betreiber führt die Prüfung aus, wie es in seinem Handbuch unter EvidenceFaults steht, und klärt, wer es geändert hat.";
    ErasureNotPreviewed, 409, Integrator, No;
        en "The erasure has no preview that could be confirmed: it was not made yet, or the erasure is refused." "Read the erasure: its preview is there within a minute, or it says why it is refused.";
        fr "L'effacement n'a pas d'aperçu à confirmer : il n'est pas encore fait, ou l'effacement est refusé." "Lisez l'effacement : son aperçu est là dans la minute, ou il dit pourquoi il est refusé.";
        nl "De wissing heeft geen voorbeeld dat bevestigd kan worden: het is er nog niet, of de wissing is geweigerd." "Lees de wissing: het voorbeeld is er binnen een minuut, of ze zegt waarom ze geweigerd is.";
        de "Die Löschung hat keine Vorschau, die bestätigt werden könnte: Sie ist noch nicht erstellt, oder die Löschung ist abgelehnt." "Lesen Sie die Löschung: Die Vorschau ist innerhalb einer Minute da, oder es steht dort, warum sie abgelehnt ist.";
    UnsupportedMediaType, 415, Integrator, No;
        en "The body is not JSON." "Send JSON with the header Content-Type: application/json.";
        fr "Le contenu n'est pas du JSON." "Envoyez du JSON avec l'en-tête Content-Type: application/json.";
        nl "De inhoud is geen JSON." "Stuur JSON met de header Content-Type: application/json.";
        de "Der Inhalt ist kein JSON." "Senden Sie JSON mit dem Header Content-Type: application/json.";
    Unauthorized, 401, Integrator, No;
        en "There is no valid key with the request." "Send the header Authorization: Bearer with a key of the firm, or the operator's.";
        fr "La requête ne porte pas de clé valable." "Envoyez l'en-tête Authorization: Bearer avec une clé du cabinet, ou celle de l'exploitant.";
        nl "Bij het verzoek zit geen geldige sleutel." "Stuur de header Authorization: Bearer met een sleutel van het kantoor, of die van de exploitant.";
        de "Die Anfrage trägt keinen gültigen Schlüssel." "Senden Sie den Header Authorization: Bearer mit einem Schlüssel der Firma oder dem des Betreibers.";
    NotFound, 404, Integrator, No;
        en "There is nothing at this address, or nothing that you may see there." "Check the address and the ids in it. If you call with a key, check that it is the right firm's.";
        fr "Il n'y a rien à cette adresse, ou rien que vous puissiez voir." "Vérifiez l'adresse et les identifiants qu'elle contient. Si vous appelez avec une clé, vérifiez qu'elle est celle du bon cabinet.";
        nl "Op dit adres is niets, of niets dat u mag zien." "Controleer het adres en de id's erin. Roept u met een sleutel aan, controleer dan of die van het juiste kantoor is.";
        de "Unter dieser Adresse gibt es nichts, oder nichts, was Sie sehen dürfen." "Prüfen Sie die Adresse und die IDs darin. Wenn Sie mit einem Schlüssel aufrufen, prüfen Sie, ob er der richtigen Firma gehört.";
    MethodNotAllowed, 405, Integrator, No;
        en "This address knows another method." "See /openapi.json for the methods of this address.";
        fr "Cette adresse connaît une autre méthode." "Voyez dans /openapi.json les méthodes de cette adresse.";
        nl "Dit adres kent een andere methode." "Zie /openapi.json voor de methoden van dit adres.";
        de "Diese Adresse kennt eine andere Methode." "Die Methoden dieser Adresse stehen in /openapi.json.";
    Conflict, 409, Integrator, No;
        en "Another request changed the same thing at the same moment." "Read it again and repeat the change.";
        fr "Une autre requête a modifié la même chose au même moment." "Relisez-la et répétez la modification.";
        nl "Een ander verzoek wijzigde op hetzelfde ogenblik hetzelfde." "Lees het opnieuw en herhaal de wijziging.";
        de "Eine andere Anfrage hat im selben Augenblick dasselbe geändert." "Lesen Sie es noch einmal und wiederholen Sie die Änderung.";
    PositionUnknown, 409, Integrator, No;
        en "The list or the feed has no such position or number; the detail names it." "Use a number or a `next` that this greffe gave you, or begin at the start: a list without `after`, a webhook with `0`. After the table was restored, numbers can be given out again: see the operator's message.";
        fr "La liste ou le flux n'a pas cette position ou ce numéro ; le détail le nomme." "Utilisez un numéro ou un `next` que ce greffe vous a donné, ou commencez au début : une liste sans `after`, un webhook avec `0`. Après une restauration de la table, des numéros peuvent être attribués une seconde fois : voyez le message de l'exploitant.";
        nl "De lijst of de feed heeft deze positie of dit nummer niet; het detail noemt het." "Gebruik een nummer of een `next` dat deze greffe u gaf, of begin aan het begin: een lijst zonder `after`, een webhook met `0`. Nadat de tabel is teruggezet, kunnen nummers opnieuw worden uitgegeven: zie het bericht van de exploitant.";
        de "Die Liste oder der Feed hat diese Position oder Nummer nicht; das Detail nennt sie." "Verwenden Sie eine Nummer oder ein `next`, das dieses greffe Ihnen gab, oder beginnen Sie am Anfang: eine Liste ohne `after`, einen Webhook mit `0`. Nachdem die Tabelle wiederhergestellt wurde, können Nummern noch einmal vergeben werden: siehe die Nachricht des Betreibers.";
    LastAdministrator, 409, FirmAdministrator, No;
        en "This is the firm's last administrator: without one, nobody in the firm could set anything up." "Make another person administrator first.";
        fr "C'est le dernier administrateur du cabinet : sans administrateur, personne au cabinet ne pourrait plus rien régler." "Nommez d'abord une autre personne administrateur.";
        nl "Dit is de laatste beheerder van het kantoor: zonder beheerder kan niemand van het kantoor nog iets instellen." "Maak eerst iemand anders beheerder.";
        de "Das ist der letzte Administrator der Kanzlei: ohne einen könnte dort niemand mehr etwas einrichten." "Machen Sie zuerst jemand anderen zum Administrator.";
    PreconditionFailed, 412, Integrator, No;
        en "The request's condition (If-Match or If-None-Match) does not hold." "Read it again and decide anew: send a change with the new ETag if it still fits. With If-None-Match: *, it is there already.";
        fr "La condition de la requête (If-Match ou If-None-Match) n'est pas remplie." "Relisez l'élément et décidez à nouveau : envoyez une modification avec le nouvel ETag si elle convient encore. Avec If-None-Match: *, il existe déjà.";
        nl "Aan de voorwaarde van het verzoek (If-Match of If-None-Match) is niet voldaan." "Lees het opnieuw en beslis opnieuw: stuur een wijziging met de nieuwe ETag als die nog past. Met If-None-Match: * bestaat het al.";
        de "Die Bedingung der Anfrage (If-Match oder If-None-Match) ist nicht erfüllt." "Lesen Sie es noch einmal und entscheiden Sie neu: Senden Sie eine Änderung mit dem neuen ETag, wenn sie noch passt. Bei If-None-Match: * ist es schon da.";
    FirmEnded, 409, Operator, No;
        en "The firm was deleted. What was archived can still be read; nothing can be changed." "Create a new firm if it is to be kept again.";
        fr "Le cabinet a été supprimé. Ce qui est archivé reste lisible ; rien ne peut être modifié." "Créez un nouveau cabinet s'il doit être repris.";
        nl "Het kantoor is verwijderd. Wat gearchiveerd is, blijft leesbaar; er kan niets gewijzigd worden." "Maak een nieuw kantoor als het opnieuw moet meedoen.";
        de "Die Firma wurde gelöscht. Was archiviert ist, bleibt lesbar; nichts kann geändert werden." "Legen Sie eine neue Firma an, wenn sie wieder dabei sein soll.";
    ConnectorDeleted, 409, FirmAdministrator, No;
        en "The connector that was used was deleted. What was archived is kept." "Choose another connector for the mailbox or the member, and activate the mailbox again. What arrived in between is then archived too.";
        fr "Le connecteur utilisé a été supprimé. Ce qui est archivé est conservé." "Choisissez un autre connecteur pour la boîte aux lettres ou le membre, et réactivez la boîte aux lettres. Ce qui est arrivé entre-temps sera alors archivé aussi.";
        nl "De gebruikte connector is verwijderd. Wat gearchiveerd is, blijft bewaard." "Kies een andere connector voor het postvak of het lid, en activeer het postvak opnieuw. Wat intussen aankwam, wordt dan ook gearchiveerd.";
        de "Der verwendete Konnektor wurde gelöscht. Was archiviert ist, bleibt erhalten." "Wählen Sie für das Postfach oder das Mitglied einen anderen Konnektor, und aktivieren Sie das Postfach erneut. Was inzwischen ankam, wird dann auch archiviert.";
    KeyRightMissing, 403, Integrator, No;
        en "The key does not have the right that this needs; the detail names the right." "Use a key that has this right. The operator of greffe can make one, and so can a key that has both this right and the right manage.";
        fr "La clé n'a pas le droit nécessaire ; le détail nomme ce droit." "Utilisez une clé qui a ce droit. L'exploitant de greffe peut en créer une, de même qu'une clé qui a à la fois ce droit et le droit manage.";
        nl "De sleutel heeft niet het recht dat hiervoor nodig is; het detail noemt dat recht." "Gebruik een sleutel die dat recht heeft. De exploitant van greffe kan er een maken, en ook een sleutel die zowel dat recht als het recht manage heeft.";
        de "Der Schlüssel hat nicht das Recht, das hierfür nötig ist; das Detail nennt das Recht." "Verwenden Sie einen Schlüssel mit diesem Recht. Der Betreiber von greffe kann einen anlegen, und auch ein Schlüssel, der dieses Recht und das Recht manage hat.";
    OperatorKeyNeeded, 403, Integrator, No;
        en "Only the operator's key sets what the detail names." "Leave the field out, or ask the operator of greffe to set it.";
        fr "Seule la clé de l'exploitant fixe ce que nomme le détail." "Omettez ce champ, ou demandez à l'exploitant de greffe de le fixer.";
        nl "Alleen de sleutel van de exploitant stelt in wat het detail noemt." "Laat het veld weg, of vraag de exploitant van greffe om het in te stellen.";
        de "Nur der Schlüssel des Betreibers setzt, was das Detail nennt." "Lassen Sie das Feld weg, oder bitten Sie den Betreiber von greffe, es zu setzen.";
    WebhookFailing, 503, Integrator, No;
        en "The address of a webhook has taken no event for a day, so greffe no longer posts to it. The events wait in the feed." "Look at the webhook's deliveries, repair the address, and set the webhook's state to active: everything that waits is posted then.";
        fr "L'adresse d'un webhook n'a accepté aucun événement depuis un jour ; greffe ne lui en envoie plus. Les événements attendent dans le flux." "Consultez les envois du webhook, réparez l'adresse, puis mettez l'état du webhook à active : tout ce qui attend est alors envoyé.";
        nl "Het adres van een webhook nam een dag lang geen gebeurtenis aan; greffe stuurt er geen meer naartoe. De gebeurtenissen wachten in de feed." "Bekijk de verzendingen van de webhook, herstel het adres en zet de toestand van de webhook op active: alles wat wacht wordt dan verzonden.";
        de "Die Adresse eines Webhooks hat einen Tag lang kein Ereignis angenommen; greffe sendet keine mehr dorthin. Die Ereignisse warten im Feed." "Sehen Sie sich die Zustellungen des Webhooks an, reparieren Sie die Adresse, und setzen Sie den Zustand des Webhooks auf active: alles, was wartet, wird dann gesendet.";
    WebhookGone, 410, Integrator, No;
        en "The address of a webhook answered that it is gone (410), so greffe no longer posts to it. The events wait in the feed." "Delete the webhook if it is no longer used. If not, change its address and set its state to active.";
        fr "L'adresse d'un webhook a répondu qu'elle n'existe plus (410) ; greffe ne lui envoie plus rien. Les événements attendent dans le flux." "Supprimez le webhook s'il ne sert plus. Sinon, changez son adresse et mettez son état à active.";
        nl "Het adres van een webhook antwoordde dat het niet meer bestaat (410); greffe stuurt er niets meer naartoe. De gebeurtenissen wachten in de feed." "Verwijder de webhook als hij niet meer gebruikt wordt. Zo niet, wijzig het adres en zet de toestand op active.";
        de "Die Adresse eines Webhooks hat geantwortet, dass es sie nicht mehr gibt (410); greffe sendet nichts mehr dorthin. Die Ereignisse warten im Feed." "Löschen Sie den Webhook, wenn er nicht mehr gebraucht wird. Sonst ändern Sie seine Adresse und setzen seinen Zustand auf active.";
    TooManyWebhooks, 409, Integrator, No;
        en "There are as many webhooks as there may be." "Delete a webhook that is no longer used; then make the new one.";
        fr "Il y a autant de webhooks qu'il peut y en avoir." "Supprimez un webhook qui ne sert plus ; créez ensuite le nouveau.";
        nl "Er zijn zoveel webhooks als er mogen zijn." "Verwijder een webhook die niet meer gebruikt wordt; maak dan de nieuwe.";
        de "Es gibt so viele Webhooks, wie es geben darf." "Löschen Sie einen Webhook, der nicht mehr gebraucht wird; legen Sie dann den neuen an.";
    TooManySecrets, 409, Integrator, No;
        en "As many secrets of the webhook sign as may sign at a time: each replaced one signs for a day more." "Wait until the time in the detail, then replace the secret. If a secret has become known, delete the webhook and create another.";
        fr "Autant de secrets du webhook signent qu'il est possible à la fois : chaque secret remplacé signe encore un jour." "Attendez l'heure indiquée dans le détail, puis remplacez le secret. Si un secret a été divulgué, supprimez le webhook et créez-en un autre.";
        nl "Er ondertekenen zoveel geheimen van de webhook als er tegelijk mogen: elk vervangen geheim ondertekent nog een dag." "Wacht tot het tijdstip in het detail en vervang dan het geheim. Is een geheim bekend geworden, verwijder dan de webhook en maak een andere.";
        de "Es signieren so viele Geheimnisse des Webhooks, wie es zugleich dürfen: Jedes ersetzte signiert noch einen Tag." "Warten Sie bis zu dem Zeitpunkt im Detail, und ersetzen Sie dann das Geheimnis. Ist ein Geheimnis bekannt geworden, löschen Sie den Webhook und legen Sie einen anderen an.";
    WebhookPaused, 409, Integrator, No;
        en "The webhook is paused, so nothing would be posted to it." "Set the webhook's state to active, then send the request again. A test is posted to a paused webhook, too.";
        fr "Le webhook est en pause ; rien ne lui serait envoyé." "Mettez l'état du webhook à active, puis renvoyez la requête. Un test est envoyé aussi à un webhook en pause.";
        nl "De webhook is gepauzeerd; er zou niets naartoe gaan." "Zet de toestand van de webhook op active en stuur het verzoek opnieuw. Een test gaat ook naar een gepauzeerde webhook.";
        de "Der Webhook ist angehalten; es würde nichts an ihn gesendet." "Setzen Sie den Zustand des Webhooks auf active, und senden Sie die Anfrage noch einmal. Ein Test wird auch an einen angehaltenen Webhook gesendet.";
    NothingToPost, 409, Integrator, No;
        en "There is no event that the webhook would get." "Choose an earlier position in the feed, or other types of events for the webhook.";
        fr "Il n'y a aucun événement que le webhook recevrait." "Choisissez une position antérieure dans le flux, ou d'autres types d'événements pour le webhook.";
        nl "Er is geen gebeurtenis die de webhook zou krijgen." "Kies een eerdere positie in de feed, of andere soorten gebeurtenissen voor de webhook.";
        de "Es gibt kein Ereignis, das der Webhook bekäme." "Wählen Sie eine frühere Position im Feed, oder andere Arten von Ereignissen für den Webhook.";
    TooManyKeys, 409, Integrator, No;
        en "The firm has as many keys as it may have." "Revoke a key that is no longer used, or that has ended; then make the new one.";
        fr "Le cabinet a autant de clés qu'il peut en avoir." "Révoquez une clé qui ne sert plus, ou qui est arrivée à son terme ; créez ensuite la nouvelle.";
        nl "Het kantoor heeft zoveel sleutels als het mag hebben." "Trek een sleutel in die niet meer gebruikt wordt, of die verlopen is; maak dan de nieuwe.";
        de "Die Firma hat so viele Schlüssel, wie sie haben darf." "Widerrufen Sie einen Schlüssel, der nicht mehr benutzt wird oder abgelaufen ist; legen Sie dann den neuen an.";
    TooManyRequests, 429, Integrator, No;
        en "The firm has called too often within a minute, with all its keys together." "Wait as many seconds as the header Retry-After says, and send fewer requests at a time.";
        fr "Le cabinet a envoyé trop de requêtes en une minute, toutes clés confondues." "Attendez le nombre de secondes indiqué par l'en-tête Retry-After, et envoyez moins de requêtes à la fois.";
        nl "Het kantoor heeft binnen een minuut te vaak aangeroepen, met al zijn sleutels samen." "Wacht zoveel seconden als de header Retry-After aangeeft, en stuur minder verzoeken tegelijk.";
        de "Die Firma hat innerhalb einer Minute zu oft aufgerufen, mit allen ihren Schlüsseln zusammen." "Warten Sie so viele Sekunden, wie der Header Retry-After sagt, und senden Sie weniger Anfragen auf einmal.";
    IdempotencyKeyReused, 409, Integrator, No;
        en "This Idempotency-Key was used for another request." "Draw a new Idempotency-Key for each new request; send the old one again only with the very same body.";
        fr "Cette Idempotency-Key a servi pour une autre requête." "Tirez une nouvelle Idempotency-Key pour chaque nouvelle requête ; ne renvoyez l'ancienne qu'avec exactement le même corps.";
        nl "Deze Idempotency-Key is voor een ander verzoek gebruikt." "Maak voor elk nieuw verzoek een nieuwe Idempotency-Key; stuur de oude alleen opnieuw met precies dezelfde inhoud.";
        de "Dieser Idempotency-Key wurde für eine andere Anfrage benutzt." "Ziehen Sie für jede neue Anfrage einen neuen Idempotency-Key; senden Sie den alten nur mit genau demselben Inhalt noch einmal.";
    RequestUnfinished, 409, Integrator, No;
        en "A request with this Idempotency-Key is still at work." "Send it again in a few seconds, with the same Idempotency-Key.";
        fr "Une requête avec cette Idempotency-Key est encore en cours." "Renvoyez-la dans quelques secondes, avec la même Idempotency-Key.";
        nl "Een verzoek met deze Idempotency-Key is nog bezig." "Stuur het over enkele seconden opnieuw, met dezelfde Idempotency-Key.";
        de "Eine Anfrage mit diesem Idempotency-Key ist noch in Arbeit." "Senden Sie sie in einigen Sekunden noch einmal, mit demselben Idempotency-Key.";
    RequestInterrupted, 409, Integrator, No;
        en "The answer to the request with this Idempotency-Key is lost: the request was interrupted, or its answer could not be kept." "Read whether what it was to make is there; if not, send it with a new Idempotency-Key.";
        fr "La réponse à la requête avec cette Idempotency-Key est perdue : la requête a été interrompue, ou sa réponse n'a pas pu être conservée." "Vérifiez si ce qu'elle devait créer existe ; sinon, envoyez-la avec une nouvelle Idempotency-Key.";
        nl "Het antwoord op het verzoek met deze Idempotency-Key is verloren: het verzoek werd onderbroken, of het antwoord kon niet bewaard worden." "Kijk of er is wat het moest maken; zo niet, stuur het met een nieuwe Idempotency-Key.";
        de "Die Antwort auf die Anfrage mit diesem Idempotency-Key ist verloren: die Anfrage wurde unterbrochen, oder die Antwort konnte nicht aufbewahrt werden." "Sehen Sie nach, ob da ist, was sie anlegen sollte; wenn nicht, senden Sie sie mit einem neuen Idempotency-Key.";
    SettingMissing, 409, Operator, No;
        en "A setting of greffe is missing; the detail names it." "Set what the detail names, deploy, and try again.";
        fr "Un réglage de greffe manque ; le détail le nomme." "Définissez ce que nomme le détail, déployez et réessayez.";
        nl "Er ontbreekt een instelling van greffe; het detail noemt ze." "Stel in wat het detail noemt, rol greffe opnieuw uit en probeer opnieuw.";
        de "Eine Einstellung von greffe fehlt; das Detail nennt sie." "Setzen Sie, was das Detail nennt, stellen Sie greffe neu bereit und versuchen Sie es erneut.";
    Internal, 500, Operator, No;
        en "greffe could not do this." "Try again; if it stays, give the operator the request id.";
        fr "greffe n'a pas pu faire cela." "Réessayez ; si cela persiste, donnez à l'exploitant l'identifiant de la requête.";
        nl "greffe kon dit niet doen." "Probeer opnieuw; blijft het zo, geef de exploitant dan de id van het verzoek.";
        de "greffe konnte das nicht tun." "Versuchen Sie es erneut; bleibt es dabei, geben Sie dem Betreiber die ID der Anfrage.";
}
