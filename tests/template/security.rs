//! What docs/security.md promises of the deployment, held against the template.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::aws::{link::LINK_LIFETIME, table::TTL_ATTRIBUTE};
use tests::{
    rights::{Right, Touched, denials, granted, like},
    template::{Template, role_of, root},
};

const TRAIL: &str = "FIRM#6f9619ff-8b86-4011-b42d-00c04fc964ff#AUDIT";
/// The functions that write the trail; the others have no business there.
const WRITERS: [&str; 3] = ["api", "documents", "oauth-callback"];
/// What may be done in the trail.
const IN_THE_TRAIL: [&str; 4] = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem"];

/// What each role may do in a partition of the table, by function.
fn may(template: &Template, partition: &str, attributes: &[&str]) -> BTreeSet<(String, String)> {
    let touched = Touched {
        keys: vec![partition.to_owned()],
        attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
    };
    let denials = denials(template);
    let rights = granted(template).into_iter().filter(|right| right.resource == "Table");
    let left = rights.filter(|right| !denials.iter().any(|denial| denial.meets(right, &touched)));
    left.map(|Right { function, action, .. }| (function, action)).collect()
}

/// What a role may do in the trail and ought not to.
fn faults_of_the_trail(template: &Template) -> Vec<String> {
    let wrong = |(function, action): &(String, String)| {
        !WRITERS.contains(&function.as_str()) || !IN_THE_TRAIL.contains(&action.as_str())
    };
    let mut faults: Vec<_> = may(template, TRAIL, &[]).into_iter().filter(wrong).collect();
    // A put with a time to live is a deletion.
    let expiring = may(template, TRAIL, &[TTL_ATTRIBUTE]).into_iter();
    faults.extend(expiring.filter(|(_, action)| action == "dynamodb:PutItem"));
    faults.into_iter().map(|(function, action)| format!("{function} {action}")).collect()
}

#[test]
fn no_role_may_update_or_delete_an_entry_of_the_audit_trail() {
    let template = Template::read();
    assert_eq!(faults_of_the_trail(&template), Vec::<String>::new());
    let may_write = may(&template, TRAIL, &[]);
    for writer in WRITERS {
        for action in ["dynamodb:PutItem", "dynamodb:Query"] {
            assert!(may_write.contains(&(writer.to_owned(), action.to_owned())), "{writer} {action}");
        }
    }
    // The console changes nothing of a firm: it has the API do so.
    let of_console = |partition: &str| {
        let may = may(&template, partition, &[]).into_iter();
        may.filter(|(function, _)| function == "console").map(|(_, action)| action).collect::<Vec<_>>()
    };
    for partition in [TRAIL.trim_end_matches("#AUDIT"), "USER#u", "OPERATOR", "PLATFORM", "FIRMS", "SIGNIN#s"] {
        assert_eq!(of_console(partition), ["dynamodb:GetItem"], "{partition}");
    }
    assert_eq!(of_console("SESSION#s").len(), 3);
    // Each other partition is as open as it was, one whose name a firm chose to look like the trail's too.
    let firm = TRAIL.trim_end_matches("#AUDIT");
    for partition in [firm.to_owned(), format!("{firm}#FEED"), format!("{firm}#DOSSIER#x#AUDIT")] {
        assert_eq!(
            may(&template, &partition, &[TTL_ATTRIBUTE]).len(),
            may(&template, "PLATFORM", &[]).len(),
            "{partition}"
        );
    }
}

#[test]
fn a_role_that_could_change_the_trail_is_found() {
    let mut template = Template::read();
    let statements =
        template.0.pointer_mut("/Resources/ApiRole/Properties/Policies/0/PolicyDocument/Statement").unwrap();
    statements.as_array_mut().unwrap().retain(|statement| statement["Effect"] != "Deny");
    assert_eq!(
        faults_of_the_trail(&template),
        ["api dynamodb:DeleteItem", "api dynamodb:UpdateItem", "api dynamodb:PutItem"]
    );
}

#[test]
fn a_pattern_of_iam_is_read_as_iam_reads_it() {
    for (pattern, text, is) in [
        ("FIRM#*#AUDIT", TRAIL, true),
        ("FIRM#*#AUDIT", "FIRM##AUDIT", true),
        ("FIRM#??#AUDIT", "FIRM#ab#AUDIT", true),
        ("FIRM#??#AUDIT", "FIRM#abc#AUDIT", false),
        ("dynamodb:*", "dynamodb:PutItem", true),
        ("FIRM#*#AUDIT", "FIRM#a#AUDIT#b", false),
        ("", "", true),
    ] {
        assert_eq!(like(pattern, text), is, "{pattern} {text}");
    }
}

#[test]
fn each_access_to_an_original_is_logged_where_no_function_comes() {
    let template = Template::read();
    let to = json!({ "DestinationBucketName": { "Ref": "AccessLogs" }, "LogFilePrefix": "originals/" });
    assert_eq!(template.properties("Originals")["LoggingConfiguration"], to);
    let logs = template.properties("AccessLogs");
    assert!(logs["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"].is_object(), "kept for ever");
    assert_eq!(template.0["Resources"]["AccessLogs"]["DeletionPolicy"], "Retain");
    let reach: Vec<_> =
        granted(&template).into_iter().filter(|right| right.resource.starts_with("AccessLogs")).collect();
    assert_eq!(reach, []);
    // Whatever a role gets later, the bucket refuses.
    let statements = template.properties("AccessLogsPolicy")["PolicyDocument"]["Statement"].as_array().unwrap();
    let closed = statements.iter().find(|statement| statement["Sid"] == "NoFunction").unwrap();
    let refused: BTreeSet<_> = closed["Principal"]["AWS"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let roles = template.functions().map(|(.., function)| function["Role"].to_string());
    assert_eq!((closed["Effect"].as_str(), &closed["Action"]), (Some("Deny"), &json!("s3:*")));
    assert_eq!(refused, roles.collect());
    // The log holds the address of a link; so long it opens something.
    assert!(LINK_LIFETIME.as_secs() <= 300);
}

#[test]
fn the_log_of_the_api_has_the_route_and_neither_address_nor_header() {
    let template = Template::read();
    let settings = &template.properties("Stage")["AccessLogSettings"];
    let format = settings["Format"].as_str().unwrap();
    let line: Value = serde_json::from_str(format).expect("each line is JSON");
    assert_eq!(line["route"], "$context.routeKey");
    let known = [
        "$context.requestTime",
        "$context.requestId",
        "$context.identity.sourceIp",
        "$context.routeKey",
        "$context.status",
        "$context.responseLength",
        "$context.responseLatency",
        "$context.error.message",
    ];
    for value in line.as_object().unwrap().values() {
        assert!(known.iter().any(|name| value == name), "{value}: can it hold a code, a key or what is searched for?");
    }
    let group = settings["DestinationArn"]["Fn::GetAtt"].as_str().and_then(|arn| arn.strip_suffix(".Arn")).unwrap();
    assert!(!template.properties(group)["RetentionInDays"].is_null());
    assert!(!granted(&template).iter().any(|right| right.resource == group), "a function writes {group}");
}

#[test]
fn each_group_of_routes_has_a_throttle_of_its_own() {
    let template = Template::read();
    let stage = template.properties("Stage");
    let settings: BTreeSet<_> = stage["RouteSettings"].as_object().unwrap().keys().map(String::as_str).collect();
    let routes = template.resources("AWS::ApiGatewayV2::Route");
    let keys = routes.filter_map(|(id, route)| Some((id, route["RouteKey"].as_str()?)));
    let named: Vec<_> = keys.filter(|(_, key)| *key != "$default").collect();
    assert_eq!(settings, named.iter().map(|(_, key)| *key).collect());
    // API Gateway refuses settings of a route that is not there yet.
    let first = template.0["Resources"]["Stage"]["DependsOn"].as_array().unwrap();
    assert!(named.iter().all(|(id, _)| first.iter().any(|name| name == id)));
    for limits in stage["RouteSettings"].as_object().unwrap().values().chain([&stage["DefaultRouteSettings"]]) {
        let set = |name: &str| limits[name].as_u64().is_some_and(|limit| limit > 0);
        assert!(set("ThrottlingRateLimit") && set("ThrottlingBurstLimit"), "{limits}");
    }
}

#[test]
fn the_public_doors_are_as_narrow_as_the_operator_makes_them() {
    let template = Template::read();
    let if_set = |condition: &str, value: Value, other: Value| json!({ "Fn::If": [condition, value, other] });
    let none = json!({ "Ref": "AWS::NoValue" });
    assert_eq!(
        template.properties("GraphWebhook")["ReservedConcurrentExecutions"],
        if_set("HasWebhookConcurrency", json!({ "Ref": "WebhookConcurrency" }), none)
    );
    // A new account has 10, of which AWS lets none be reserved.
    assert_eq!(template.0["Parameters"]["WebhookConcurrency"]["Default"], 0);
    assert_eq!(
        template.properties("HttpApi")["DisableExecuteApiEndpoint"],
        if_set("HasDomain", json!(true), json!(false))
    );
    assert_eq!(template.0["Outputs"]["ApiGatewayUrl"]["Condition"], "HasNoDomain");
}

#[test]
fn what_is_kept_is_encrypted_with_a_key_of_the_operators_own_where_there_is_one() {
    let template = Template::read();
    let rule = &template.properties("Originals")["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["Fn::If"];
    assert_eq!(rule[0], "HasKmsKey");
    assert_eq!(rule[1]["BucketKeyEnabled"], true, "each of a million originals would ask KMS");
    assert_eq!(rule[2]["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    assert_eq!(template.properties("Table")["SSESpecification"]["Fn::If"][1]["KMSMasterKeyId"]["Ref"], "KmsKeyArn");
    // Whoever works with the table or the originals may use the key, through them only.
    for (function, _, properties) in template.functions() {
        let role = template.properties(role_of(properties)).to_string();
        let works = granted(&template).iter().any(|r| r.function == function && r.resource == "Table");
        assert_eq!(role.contains("kms:Decrypt"), works, "{function}");
        assert_eq!(role.contains("kms:ViaService"), works, "{function}");
    }
    for (id, bucket) in template.resources("AWS::S3::Bucket") {
        for kept in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
            assert_eq!(bucket["PublicAccessBlockConfiguration"][kept], true, "{id}");
        }
        let policies = template.resources("AWS::S3::BucketPolicy");
        let mut of = policies.filter(|(_, policy)| policy["Bucket"]["Ref"] == id).map(|(_, policy)| policy.to_string());
        assert!(of.any(|policy| policy.contains("aws:SecureTransport")), "{id} answers without TLS");
    }
    for (id, queue) in template.resources("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn each_parameter_is_told_to_the_operator() {
    let manual = std::fs::read_to_string(root().join("docs/operator.md")).unwrap();
    for name in Template::read().0["Parameters"].as_object().unwrap().keys() {
        assert!(manual.contains(&format!("`{name}`")), "{name}");
    }
}

/// All that a function may ever do with originals and logs.
const WITH_ORIGINALS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"];
/// What some may do beside that, and where. `erasure` alone deletes.
const BESIDE: [(&str, &str, &str); 11] = [
    ("erasure", "s3:DeleteObjectVersion", "Originals/*firms/*/mailboxes/*"),
    ("erasure", "s3:GetObjectVersion", "Originals/*firms/*/mailboxes/*"),
    ("erasure", "s3:GetObjectRetention", "Originals/*firms/*/mailboxes/*"),
    ("erasure", "s3:ListBucketVersions", "Originals"),
    ("check", "s3:GetObjectRetention", "Originals/*firms/*/mailboxes/*"),
    ("check", "s3:ListBucketVersions", "Originals"),
    ("check", "s3:GetLifecycleConfiguration", "Originals"),
    ("erasure", "s3:GetObjectLegalHold", "Originals/*firms/*/mailboxes/*"),
    ("check", "s3:GetObjectLegalHold", "Originals/*firms/*/mailboxes/*"),
    ("indexer", "s3:GetObjectLegalHold", "Originals/*firms/*/mailboxes/*"),
    // Where nothing expires.
    ("indexer", "s3:PutObjectLegalHold", "Originals/firms/*/mailboxes/*"),
];

/// What a role may do with what is archived and ought not to: remove it, or change what keeps it.
fn faults_of_the_archive(template: &Template) -> Vec<String> {
    let wrong = |right: &Right| {
        let is_archive =
            right.resource == "*" || like(right.resource.split('/').next().unwrap_or_default(), "Originals");
        let is_of_s3 = right.action == "*" || right.action.starts_with("s3:");
        let is_known = BESIDE.contains(&(right.function.as_str(), right.action.as_str(), right.resource.as_str()));
        is_archive && is_of_s3 && !WITH_ORIGINALS.contains(&right.action.as_str()) && !is_known
    };
    granted(template).into_iter().filter(wrong).map(|right| format!("{} {}", right.function, right.action)).collect()
}

#[test]
fn no_function_but_erasure_may_remove_what_is_archived_and_none_may_change_what_keeps_it() {
    let template = Template::read();
    assert_eq!(faults_of_the_archive(&template), Vec::<String>::new());
    // Nothing but its own schedule starts it, and no role may have it started.
    let events = template.properties("Erasure")["Events"].as_object().unwrap();
    assert_eq!(events.values().map(|event| &event["Type"]).collect::<Vec<_>>(), ["ScheduleV2"]);
    let invokes = granted(&template).into_iter().filter(|right| right.action.starts_with("lambda:"));
    assert_eq!(invokes.map(|right| right.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    let permissions = template.resources("AWS::Lambda::Permission").map(|(_, of)| of["FunctionName"].to_string());
    let permissions: Vec<_> = permissions.collect();
    assert!(!permissions.is_empty() && permissions.iter().all(|of| !of.contains("Erasure")), "{permissions:?}");
    let reads = granted(&template).into_iter().filter(|right| right.resource.starts_with("Originals"));
    assert!(reads.count() > 3, "the rights to originals are found");
}

#[test]
fn a_role_that_could_remove_an_original_is_found() {
    for (action, resource) in [
        ("s3:DeleteObject", json!({ "Fn::Sub": "${Originals.Arn}/firms/*" })),
        ("s3:DeleteObjectVersion", json!({ "Fn::Sub": "${Originals.Arn}/*" })),
        ("s3:PutLifecycleConfiguration", json!({ "Fn::Sub": "${Originals.Arn}" })),
        ("s3:PutObjectLegalHold", json!({ "Fn::Sub": "${Originals.Arn}/firms/*" })),
        ("s3:*", json!("*")),
        ("*", json!("*")),
    ] {
        let mut template = Template::read();
        let statements =
            template.0.pointer_mut("/Resources/ApiRole/Properties/Policies/0/PolicyDocument/Statement").unwrap();
        let more = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        statements.as_array_mut().unwrap().push(more);
        assert_eq!(faults_of_the_archive(&template), [format!("api {action}")]);
    }
    // Not even the log may be erased by the function that erases.
    let mut template = Template::read();
    let statements = "/Resources/ErasureRole/Properties/Policies/0/PolicyDocument/Statement";
    let more = json!({ "Effect": "Allow", "Action": "s3:DeleteObjectVersion", "Resource": { "Fn::Sub": "${Originals.Arn}/*" } });
    template.0.pointer_mut(statements).unwrap().as_array_mut().unwrap().push(more);
    assert_eq!(faults_of_the_archive(&template), ["erasure s3:DeleteObjectVersion"]);
}
