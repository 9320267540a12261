//! The problems of single operations, beside those that all of their kind may answer. The scenarios hold each answer
//! that they see to the description, and so to these lists.

use shared::problem::Code;

/// Codes, each with the ids of the operations that answer it.
const OF_OPERATIONS: &[(Code, &[&str])] = &[
    (Code::AddressAmbiguous, &["create_mailbox", "create_member", "update_mailbox", "update_member"]),
    (Code::AppOfAnotherFirm, CREDENTIALS),
    (Code::AppUnknown, &["grant_connector"]),
    (Code::Conflict, CREDENTIALS),
    (Code::MailboxUnknown, &["create_mailbox", "create_member", "update_mailbox", "update_member"]),
    (Code::NotForPersonalAccounts, &["create_mailbox", "create_member", "update_mailbox", "update_member"]),
    (Code::OperatorKeyNeeded, &["update_firm"]),
    (Code::PlatformsApp, &["make_certificate", "replace_secret", "rotate_secret", "update_connector"]),
    (Code::RotationNotAllowed, CREDENTIALS),
    (Code::SettingMissing, CREDENTIALS),
];

/// Those that change the credential of an app registration.
const CREDENTIALS: &[&str] = &[
    "make_certificate",
    "make_platform_certificate",
    "replace_platform_secret",
    "replace_secret",
    "rotate_platform_secret",
    "rotate_secret",
];

/// Those that ask Microsoft, and answer what it refuses.
const ASK_MICROSOFT: &[&str] = &[
    "create_mailbox",
    "create_member",
    "file_by_folder",
    "list_folders",
    "preview_push",
    "select_folders",
    "update_mailbox",
    "update_member",
];

/// What a refusal of Microsoft's may be, beside the entries of the catalogue that name its words.
const OF_MICROSOFT: &[Code] = &[
    Code::AppGrantRequired,
    Code::AudienceShared,
    Code::FederationOff,
    Code::MailboxOutOfReach,
    Code::MicrosoftRefused,
    Code::NoPlatformApp,
    Code::NotConnected,
];

/// What the operation answers of its own, except where greffe or Microsoft is out of order.
pub(super) fn of(id: &str) -> impl Iterator<Item = Code> {
    let own = OF_OPERATIONS.iter().filter(move |(_, operations)| operations.contains(&id)).map(|(code, _)| *code);
    let asks = ASK_MICROSOFT.contains(&id) || CREDENTIALS.contains(&id);
    let of_microsoft = Code::ALL.iter().copied().filter(move |code| asks && is_of_microsoft(*code));
    own.chain(of_microsoft).filter(|code| code.status() < 500)
}

fn is_of_microsoft(code: Code) -> bool {
    let entry = code.entry();
    let has_words = ![entry.oauth, entry.graph, entry.said].concat().is_empty() || !entry.aadsts.is_empty();
    has_words || OF_MICROSOFT.contains(&code)
}
