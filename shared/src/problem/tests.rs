use std::collections::HashSet;

use super::{catalogue::ENTRIES, *};
use crate::base::language::Language;
use crate::graph::{EntraRefusal, GraphCode, GraphError};

fn refusal(error: &str, numbers: &[u64]) -> EntraRefusal {
    EntraRefusal {
        error: error.to_owned(),
        error_description: String::new(),
        error_codes: numbers.to_vec(),
        suberror: None,
    }
}

fn graph_refusal(status: u16, code: &str, message: &str) -> GraphError {
    GraphError::Refused {
        attempted: "read".to_owned(),
        status,
        code: GraphCode::new(code),
        message: message.to_owned(),
        request_id: String::new(),
    }
}

#[test]
fn every_entry_says_in_four_languages_what_it_means_and_what_to_do() {
    for (code, entry) in Code::ALL.iter().zip(ENTRIES) {
        assert_eq!(*code, entry.code);
        assert!((400..600).contains(&entry.status), "{code:?}");
        let mut meanings = HashSet::new();
        for language in Language::ALL {
            let Text { meaning, next_action } = code.text(language);
            assert!(meaning.ends_with('.') && next_action.ends_with('.'), "{code:?} {language:?}");
            assert!(meanings.insert(meaning), "{code:?} {language:?} says the same as another language");
        }
    }
    let names: HashSet<String> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}

#[test]
fn each_of_microsofts_codes_leads_to_one_entry() {
    let (mut oauth, mut aadsts, mut graph) = (HashSet::new(), HashSet::new(), HashSet::new());
    for entry in ENTRIES {
        for error in entry.oauth {
            assert!(oauth.insert(*error), "{error}");
        }
        for number in entry.aadsts {
            assert!(aadsts.insert(*number), "AADSTS{number}");
        }
        for code in entry.graph {
            assert!(graph.insert(code.to_ascii_lowercase()), "{code}");
        }
    }
}

/// With the `error` that usually comes with each number; `-` where any may.
#[test]
fn entras_numbers_say_exactly_what_is_wrong() {
    use Code::*;
    use Reconnect::{AfterFix, No, Yes};
    let table: &[(&str, &[u64], Code, Reconnect)] = &[
        // The app's own credentials
        ("invalid_client", &[7000222], ClientSecretExpired, No),
        ("invalid_client", &[7000215, 70002], ClientSecretRefused, No),
        ("invalid_request", &[7000218], AskedWrongly, No),
        ("invalid_client", &[700025], AppIsPublic, AfterFix),
        ("invalid_client", &[700027, 50012, 700030, 700024], CertificateRefused, No),
        ("invalid_request", &[70021, 700211, 700213], FederatedCredentialRefused, No),
        // The app and the organisation
        ("unauthorized_client", &[700016, 700011], AppUnknown, AfterFix),
        ("unauthorized_client", &[7000112, 70001], AppDisabled, No),
        ("invalid_request", &[90002, 50059, 90019, 50128, 9001023, 90130], TenantUnknown, No),
        ("invalid_request", &[50194], AppForOneOrganisation, AfterFix),
        ("-", &[9002332, 500208, 50020], AccountTypeNotAllowed, Yes),
        ("invalid_request", &[50011], RedirectNotRegistered, No),
        ("-", &[90038, 900382], OtherCloud, AfterFix),
        ("invalid_resource", &[650052, 650054, 500011], ServiceMissing, No),
        ("-", &[650056, 650057, 65005], PermissionNotRegistered, AfterFix),
        ("invalid_grant", &[700084], AppIsPublic, AfterFix),
        // Consent
        ("invalid_grant", &[65001], ConsentRequired, Yes),
        ("access_denied", &[65004], ConsentDeclined, Yes),
        ("access_denied", &[90094, 90093, 90095], AdminConsentRequired, AfterFix),
        // The second step
        ("interaction_required", &[50076, 50074], MfaRequired, Yes),
        ("invalid_grant", &[50076, 50074, 50078], MfaRequired, Yes),
        ("interaction_required", &[50079, 50072, 53004], MfaNotSetUp, AfterFix),
        // The organisation's rules
        ("-", &[53003, 530032, 530035], BlockedByPolicy, AfterFix),
        ("-", &[53000, 53001, 53002, 50097], DeviceRequired, AfterFix),
        ("-", &[50131, 53011], RiskBlocked, AfterFix),
        ("invalid_grant", &[70043], SignInFrequency, Yes),
        ("-", &[50105], UserNotAssigned, AfterFix),
        // The connection
        ("invalid_grant", &[50173, 70000, 50058], SignInRequired, Yes),
        ("invalid_grant", &[50132, 50133], PasswordChanged, Yes),
        ("invalid_grant", &[50055, 50144], PasswordExpired, AfterFix),
        ("invalid_grant", &[700082, 70008], ConnectionUnused, Yes),
        ("invalid_grant", &[50089], SignInTimedOut, Yes),
        ("invalid_grant", &[54005, 501481, 501491, 50147, 700005], SignInExpired, Yes),
        ("access_denied", &[50126], SignInDeclined, Yes),
        // The account
        ("invalid_grant", &[50057], AccountBlocked, AfterFix),
        ("-", &[50034, 51004, 50014], AccountGone, AfterFix),
        ("-", &[50053], AccountLocked, No),
        // What passes, and what is greffe's to correct
        ("temporarily_unavailable", &[90055, 90033, 90006, 50087, 90024, 90012], MicrosoftBusy, No),
        ("invalid_request", &[50196], MicrosoftBusy, No),
        ("invalid_request", &[900144, 90014, 9002313, 700022, 28003, 7000114, 90010], AskedWrongly, No),
    ];
    for (error, numbers, code, reconnect) in table {
        for number in *numbers {
            let problem = Problem::of_refusal(&refusal(error, &[*number]));
            assert_eq!((problem.code, problem.reconnect), (*code, *reconnect), "{error} AADSTS{number}");
        }
    }
}

#[test]
fn oauths_error_decides_and_a_number_only_explains() {
    let of = |error: &str, numbers: &[u64]| Problem::of_refusal(&refusal(error, numbers));
    for (error, numbers, code, reconnect) in [
        ("invalid_grant", &[] as &[u64], Code::SignInRequired, Reconnect::Yes),
        ("interaction_required", &[], Code::SignInRequired, Reconnect::Yes),
        ("login_required", &[], Code::SignInRequired, Reconnect::Yes),
        ("consent_required", &[], Code::ConsentRequired, Reconnect::Yes),
        ("invalid_client", &[], Code::ClientSecretRefused, Reconnect::No),
        ("unauthorized_client", &[], Code::AppUnknown, Reconnect::AfterFix),
        ("invalid_resource", &[], Code::ServiceMissing, Reconnect::No),
        ("invalid_scope", &[], Code::PermissionNotRegistered, Reconnect::AfterFix),
        ("unsupported_grant_type", &[], Code::AskedWrongly, Reconnect::No),
        ("access_denied", &[], Code::SignInDeclined, Reconnect::Yes),
        ("server_error", &[], Code::MicrosoftBusy, Reconnect::No),
        ("temporarily_unavailable", &[65001], Code::MicrosoftBusy, Reconnect::No),
        ("invalid_grant", &[90033], Code::SignInRequired, Reconnect::Yes),
        ("invalid_grant", &[50053], Code::AccountLocked, Reconnect::AfterFix),
        ("invalid_grant", &[1, 50057], Code::AccountBlocked, Reconnect::AfterFix),
    ] {
        let problem = of(error, numbers);
        assert_eq!((problem.code, problem.reconnect), (code, reconnect), "{error} {numbers:?}");
    }
    let suberror = EntraRefusal { suberror: Some("consent_required".to_owned()), ..refusal("invalid_grant", &[]) };
    assert_eq!(of_token_refusal(&suberror), Code::ConsentRequired);
}

#[test]
fn a_sign_in_that_microsoft_did_not_complete_says_why() {
    for (error, numbers, code) in [
        ("access_denied", &[] as &[u64], Code::SignInDeclined),
        ("access_denied", &[65004], Code::ConsentDeclined),
        ("access_denied", &[90094], Code::AdminConsentRequired),
        ("consent_required", &[], Code::ConsentRequired),
        ("interaction_required", &[50079], Code::MfaNotSetUp),
        ("login_required", &[50058], Code::SignInRequired),
        ("invalid_request", &[50011], Code::RedirectNotRegistered),
        ("unauthorized_client", &[700016], Code::AppUnknown),
        ("invalid_resource", &[650052], Code::ServiceMissing),
        ("server_error", &[], Code::MicrosoftBusy),
        ("temporarily_unavailable", &[], Code::MicrosoftBusy),
        ("invalid_request", &[], Code::MicrosoftRefused),
        ("something_new", &[99999999], Code::MicrosoftRefused),
    ] {
        assert_eq!(of_token_refusal(&refusal(error, numbers)), code, "{error} {numbers:?}");
    }
}

#[test]
fn what_nobody_knows_is_shown_as_it_came() {
    let mut unknown = refusal("brand_new", &[4242]);
    unknown.error_description = "AADSTS4242: The moon is in the wrong phase.".to_owned();
    let problem = Problem::of_refusal(&unknown);
    assert_eq!(problem.code, Code::MicrosoftRefused);
    assert_eq!(problem.detail, "Microsoft answered AADSTS4242.");
    assert_eq!(problem.microsoft_code.as_deref(), Some("AADSTS4242"));
    assert_eq!(problem.microsoft_message.as_deref(), Some("AADSTS4242: The moon is in the wrong phase."));

    let problem = Problem::from(graph_refusal(418, "Teapot", "Short and stout."));
    assert_eq!(problem.code, Code::MicrosoftRefused);
    assert_eq!(problem.microsoft_code.as_deref(), Some("Teapot"));
    assert_eq!(problem.microsoft_message.as_deref(), Some("Short and stout."));
}

#[test]
fn graphs_code_says_what_is_wrong_with_a_mailbox() {
    let denied = "Access is denied. Check credentials and try again.";
    let excluded = "Access to OData is disabled.";
    let wrapped = "Operation: Create; Exception: [Status Code: Forbidden; Reason: Access to OData is disabled.]";
    for (status, code, message, expected) in [
        (403, "ErrorAccessDenied", denied, Code::MailboxOutOfReach),
        (403, "ErrorAccessDenied", excluded, Code::MailboxExcluded),
        (403, "ExtensionError", wrapped, Code::MailboxExcluded),
        (403, "ExtensionError", "Operation: Create; Exception: [Status Code: Forbidden]", Code::MailboxOutOfReach),
        (403, "Authorization_RequestDenied", "Insufficient privileges", Code::RightMissing),
        (404, "ErrorItemNotFound", "", Code::MailboxOutOfReach),
        (404, "ResourceNotFound", "", Code::MailboxOutOfReach),
        (404, "ErrorFolderNotFound", "", Code::FolderGone),
        (404, "ErrorInvalidUser", "", Code::MailboxUnknown),
        (404, "Request_ResourceNotFound", "", Code::MailboxUnknown),
        (404, "MailboxNotEnabledForRESTAPI", "", Code::MailboxMissing),
        (404, "mailboxnotsupportedforrestapi", "", Code::MailboxMissing),
        (400, "ErrorQuotaExceeded", "", Code::MailboxFull),
        (507, "quotaLimitReached", "", Code::MailboxFull),
        (507, "unheard_of", "", Code::MailboxFull),
    ] {
        assert_eq!(of_graph_error(&graph_refusal(status, code, message)), expected, "{status} {code} {message}");
    }
}

#[test]
fn graphs_code_says_what_passes_and_what_is_greffes_to_correct() {
    let handshake = "Subscription validation request failed. Notification endpoint must respond with 200 OK.";
    for (status, code, message, expected) in [
        (401, "InvalidAuthenticationToken", "IDX14100: JWT is not well formed", Code::MicrosoftBusy),
        (401, "http_401", "", Code::MicrosoftBusy),
        (429, "TooManyRequests", "", Code::MicrosoftBusy),
        (429, "ApplicationThrottled", "", Code::MicrosoftBusy),
        (429, "activityLimitReached", "", Code::MicrosoftBusy),
        (500, "ErrorInternalServerTransientError", "", Code::MicrosoftBusy),
        (503, "ErrorServerBusy", "", Code::MicrosoftBusy),
        (503, "ErrorMailboxStoreUnavailable", "", Code::MicrosoftBusy),
        (503, "ErrorMailboxMoveInProgress", "", Code::MicrosoftBusy),
        (504, "UnknownError", "", Code::MicrosoftBusy),
        (509, "http_509", "", Code::MicrosoftBusy),
        (410, "SyncStateNotFound", "", Code::ReadAnew),
        (400, "ResyncRequired", "", Code::ReadAnew),
        (412, "ErrorIrresolvableConflict", "", Code::ChangedMeanwhile),
        (409, "ErrorDuplicateTransactionId", "", Code::ThereAlready),
        (409, "ErrorFolderExists", "", Code::ThereAlready),
        (400, "ErrorInvalidIdMalformed", "", Code::AskedWrongly),
        (400, "BadRequest", "/me request is only valid with delegated authentication flow.", Code::AskedWrongly),
        (400, "ValidationError", "", Code::NotificationsUnreachable),
        (400, "InvalidRequest", handshake, Code::NotificationsUnreachable),
        (400, "InvalidRequest", "Something else", Code::MicrosoftRefused),
    ] {
        assert_eq!(of_graph_error(&graph_refusal(status, code, message)), expected, "{status} {code} {message}");
    }
}

#[test]
fn a_person_is_told_in_the_language_that_the_browser_likes_best() {
    for (header, language) in [
        ("fr-BE,fr;q=0.9,nl;q=0.8,en;q=0.7", Language::French),
        ("en;q=0.2, nl-BE ; q=0.8", Language::Dutch),
        ("pl, DE-AT;q=0.5", Language::German),
        ("pl", Language::English),
        ("", Language::English),
        ("fr;q=0, en;q=broken", Language::English),
    ] {
        assert_eq!(Language::preferred(header), language, "{header}");
    }
}

#[test]
fn what_a_person_has_to_do_is_looked_for_less_and_less_often() {
    let since = jiff::Timestamp::UNIX_EPOCH;
    let problem = NotedProblem { code: Code::SignInRequired, microsoft_code: String::new(), since };
    let pause = |minutes: u64| problem.pause(since + std::time::Duration::from_secs(minutes * 60)).as_secs() / 60;
    assert_eq!([0, 1, 2, 4, 8, 59, 60, 10_000].map(pause), [2, 2, 2, 4, 8, 59, 60, 60]);
}
