//! What the template says and what the code and the documents say are the same.

use std::{cell::RefCell, collections::BTreeSet};

use aws_sdk_dynamodb::types::{AttributeDefinition, KeySchemaElement};
use local::{machine::Machine, provision};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::{
    aws::{identity::Audience, table::TTL_ATTRIBUTE},
    base::{
        clock::Clock,
        config::Config,
        metric::{self, ARRIVAL_TO_ARCHIVE, Counter},
        random::Random,
    },
    evidence::lifecycle::{ABORT_DAYS, NONCURRENT_DAYS},
    firm::retention::{FIRST_EXPIRY_YEAR, KeptUntil, LAST_EXPIRY_YEAR},
    mail::archive::root as root_of,
};
use tests::{
    rights::like,
    template::{Template, root},
};

type Names = BTreeSet<String>;

#[test]
fn every_function_is_deployed_and_nothing_else_is() {
    let template = Template::read();
    let deployed: Names = template.functions().map(|(folder, ..)| folder.to_owned()).collect();
    let folders = std::fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().file_name());
    let written: Names = folders.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(deployed, written);
    for (folder, id, function) in template.functions() {
        // The program of delta-poll a second time: one name more, and the same rights.
        let (name, role) = if id == "OlderMail" { ("older-mail", "DeltaPoll") } else { (folder, id) };
        assert_eq!(function["FunctionName"]["Fn::Sub"], format!("${{AWS::StackName}}-{name}"), "{id}");
        assert_eq!(function["Role"]["Fn::GetAtt"], format!("{role}Role.Arn"), "{id} shares its rights with another");
    }
}

#[tokio::test]
async fn the_table_on_one_machine_is_the_one_that_is_deployed() {
    let template = Template::read();
    let deployed = template.properties("Table");
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual("2026-03-02T08:00:00Z".parse().unwrap());
    let machine = Machine::embedded(folder.path(), clock).await.unwrap();
    provision::provision(&machine.aws).await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(&machine.aws);
    let made = client.describe_table().table_name(provision::TABLE).send().await.unwrap().table.unwrap();

    assert_eq!(attributes(made.attribute_definitions()), as_set(&deployed["AttributeDefinitions"]));
    assert_eq!(keys(made.key_schema()), deployed["KeySchema"]);
    let indexes = made.global_secondary_indexes().iter().map(|index| {
        let kind = index.projection().and_then(|p| p.projection_type()).unwrap().as_str();
        json!({
            "IndexName": index.index_name(), "KeySchema": keys(index.key_schema()),
            "Projection": { "ProjectionType": kind },
        })
    });
    assert_eq!(indexes.collect::<Value>(), deployed["GlobalSecondaryIndexes"]);
    assert_eq!(deployed["TimeToLiveSpecification"], json!({ "AttributeName": TTL_ATTRIBUTE, "Enabled": true }));
}

#[test]
fn what_is_kept_for_good_no_update_replaces_or_removes() {
    let template = Template::read();
    let kept = |resource: &Value| resource["DeletionPolicy"].as_str().is_some_and(|p| p.starts_with("Retain"));
    let resources = template.0["Resources"].as_object().unwrap().iter();
    let kept: Names = resources.filter(|(_, resource)| kept(resource)).map(|(id, _)| id.clone()).collect();
    for id in ["Table", "Originals", "AccessLogs", "Keyring"] {
        assert!(kept.contains(id), "{id}");
        assert_eq!(template.0["Resources"][id]["UpdateReplacePolicy"], "Retain", "{id}");
    }
    let policy = std::fs::read_to_string(root().join("stack-policy.json")).unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let denied = &policy["Statement"][1];
    assert_eq!((&denied["Effect"], &denied["Action"]), (&json!("Deny"), &json!(["Update:Replace", "Update:Delete"])));
    let resources = denied["Resource"].as_array().unwrap().iter().map(|of| of.as_str().unwrap());
    let denied: Names = resources.map(|of| of.trim_start_matches("LogicalResourceId/").to_owned()).collect();
    assert_eq!(denied, kept);
}

#[test]
fn a_deployment_without_parameters_sets_none() {
    let settings = std::fs::read_to_string(root().join("samconfig.toml")).unwrap();
    let set = settings.lines().filter(|line| !line.starts_with('#') && line.contains("parameter_overrides"));
    assert_eq!(set.collect::<Vec<_>>(), Vec::<&str>::new());
}

fn attributes(definitions: &[AttributeDefinition]) -> BTreeSet<String> {
    let told = |d: &AttributeDefinition| {
        json!({ "AttributeName": d.attribute_name(), "AttributeType": d.attribute_type().as_str() }).to_string()
    };
    definitions.iter().map(told).collect()
}

fn as_set(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(ToString::to_string).collect()
}

fn keys(schema: &[KeySchemaElement]) -> Value {
    schema.iter().map(|k| json!({ "AttributeName": k.attribute_name(), "KeyType": k.key_type().as_str() })).collect()
}

/// Variables that only one machine sets: where tests have Microsoft answered, and by what certificate AWS.
const ONE_MACHINE: [&str; 3] = ["GREFFE_LOGIN_URL", "GREFFE_GRAPH_URL", "AWS_CA_BUNDLE"];
/// Variables that only some functions are told.
const SOME: [&str; 11] = [
    "GREFFE_FEDERATED_SUBJECTS",
    "GREFFE_WEBHOOK_URL",
    "GREFFE_CONTENT_BYTES_MAX",
    "GREFFE_WAITING_CALLS",
    "GREFFE_CALLS_PER_MINUTE",
    "GREFFE_RETURN_ORIGINS",
    "GREFFE_LOG_MINUTES",
    "GREFFE_LOCK_DAYS",
    "GREFFE_TIMESTAMP_URL",
    "GREFFE_TIMESTAMP_HOURS",
    "GREFFE_SPOOL_DIR",
];

#[test]
fn a_function_is_told_what_it_reads_and_nothing_else() {
    let template = Template::read();
    let read = RefCell::new(Names::new());
    // The ids and addresses among them have to have their form; the rest may be anything.
    let lookup = |name: &str| {
        read.borrow_mut().insert(name.to_owned());
        match name {
            "GREFFE_PUBLIC_URL" => Some("https://greffe.example".to_owned()),
            name if ["_TABLE", "_BUCKET", "_BUS", "_QUEUE_URL"].iter().any(|end| name.ends_with(end)) => {
                Some("x".to_owned())
            }
            _ => None,
        }
    };
    Config::from_lookup(lookup).unwrap();
    let read = read.into_inner();
    for (_, id, function) in template.functions() {
        let all = [&template.0["Globals"]["Function"], function].map(|of| &of["Environment"]["Variables"]);
        let told = all.into_iter().filter_map(Value::as_object).flat_map(|variables| variables.keys().cloned());
        let told: Names = told.collect();
        let unread: Vec<_> = told.difference(&read).collect();
        assert!(unread.is_empty(), "{id} is told {unread:?}, which nothing reads");
        let untold = read.difference(&told).filter(|name| !ONE_MACHINE.iter().chain(&SOME).any(|n| n == name));
        assert_eq!(untold.collect::<Vec<_>>(), Vec::<&String>::new(), "{id} is not told");
    }
}

#[test]
fn a_function_takes_what_its_schedule_sends() {
    fn takes<T: DeserializeOwned>(text: &str) -> Result<(), serde_json::Error> {
        serde_json::from_str::<T>(text).map(drop)
    }
    let template = Template::read();
    let mut schedules = 0;
    for (folder, id, function) in template.functions() {
        for event in function["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            if event["Type"] != "ScheduleV2" {
                continue;
            }
            let sent = event["Properties"]["Input"].as_str().unwrap();
            let taken = match folder {
                "calendar-push" => takes::<calendar_push::Input>(sent),
                "check" => takes::<check::Input>(sent),
                "delta-poll" => takes::<delta_poll::Input>(sent),
                "erasure" => takes::<erasure::Input>(sent),
                "evidence" => takes::<evidence::Input>(sent),
                "indexer" => takes::<indexer::Input>(sent),
                "secret-expiry" => takes::<secret_expiry::Input>(sent),
                "webhook-delivery" => takes::<webhook_delivery::Input>(sent),
                other => panic!("{other} has a schedule that no test knows"),
            };
            assert!(taken.is_ok(), "{id} does not take {sent}: {taken:?}");
            let name = &event["Properties"]["Name"]["Fn::Sub"];
            assert!(name.as_str().unwrap().starts_with("${AWS::StackName}-"), "the guide finds {id}'s by its name");
            schedules += 1;
        }
    }
    assert_eq!(schedules, 8);
}

/// Without the permission, API Gateway answers 500 itself, and the alarm of the function rings.
#[test]
fn api_gateway_may_call_what_it_routes_to() {
    let template = Template::read();
    let target = |of: &Value| of["Fn::Sub"].as_str().unwrap_or_default().to_owned();
    let mut routes = 0;
    for (id, route) in template.resources("AWS::ApiGatewayV2::Route") {
        let integration = target(&route["Target"]);
        let integration = integration.trim_start_matches("integrations/${").trim_end_matches('}');
        let called = &template.properties(integration)["IntegrationUri"];
        let (method, path) = route["RouteKey"].as_str().unwrap().split_once(' ').unwrap_or(("ANY", "/$default"));
        let asks = format!("${{HttpApi}}/$default/{method}{path}");
        let permissions = template.resources("AWS::Lambda::Permission");
        let mut sources =
            permissions.filter(|(_, p)| p["FunctionName"] == *called).map(|(_, p)| target(&p["SourceArn"]));
        assert!(
            sources.any(|source| source.rsplit_once(':').is_some_and(|(_, resource)| like(resource, &asks))),
            "{id}: {called} may not be called by {asks}"
        );
        routes += 1;
    }
    assert!(routes > 5);
}

/// API Gateway takes the path that says most literally, of any method.
#[test]
fn what_documents_serves_is_routed_to_it_and_nothing_else_is() {
    let template = Template::read();
    let to = |integration: &str| {
        let target = format!("integrations/${{{integration}}}");
        let routes =
            template.resources("AWS::ApiGatewayV2::Route").filter(move |(_, r)| r["Target"]["Fn::Sub"] == target);
        routes.filter_map(|(_, route)| route["RouteKey"].as_str()).map(str::to_owned).collect::<Vec<_>>()
    };
    let served: Names = api::paths_of_documents().into_iter().map(|path| format!("ANY {path}")).collect();
    assert_eq!(to("DocumentsIntegration").into_iter().collect::<Names>(), served);
    // A path of the API that one of them would take has a route of its own.
    let description = std::fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let paths = description["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/v1/"));
    let others: Vec<_> = paths.filter(|path| !served.contains(&format!("ANY {path}"))).collect();
    let taken = |path: &str| {
        served.iter().any(|key| {
            let (own, other) = (path.split('/'), key["ANY ".len()..].split('/'));
            own.clone().count() == other.clone().count() && own.zip(other).all(|(a, b)| a == b || b.starts_with('{'))
        })
    };
    let needed: Names = others.iter().filter(|path| taken(path)).map(|path| format!("ANY {path}")).collect();
    let literal: Names = to("ApiIntegration").into_iter().filter(|key| key.starts_with("ANY /v1/firms")).collect();
    assert_eq!(literal, needed);
    for path in others {
        assert!(!api::is_of_documents(path), "{path}");
    }
}

#[test]
fn the_dashboard_shows_every_function_and_queue_and_what_the_code_counts() {
    let template = Template::read();
    let body = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(body).unwrap();
    let widgets = dashboard["widgets"].as_array().unwrap();
    let titled = |title: &str| widgets.iter().find(|w| w["properties"]["title"] == title).unwrap().to_string();
    for (_, id, _) in template.functions() {
        for title in ["Errors", "Time taken (99th percentile)"] {
            assert!(titled(title).contains(&format!("${{{id}}}")), "{title} of {id}");
        }
    }
    // A queue that is not always there can't be named, and has its alarm.
    let is_there = |id: &str| template.0["Resources"][id]["Condition"].is_null();
    for (id, _) in template.resources("AWS::SQS::Queue").filter(|(id, _)| is_there(id)) {
        assert!(titled("Jobs").contains(&format!("${{{id}.QueueName}}")), "{id}");
    }
    let alarms = template.resources("AWS::CloudWatch::Alarm").flat_map(|(_, alarm)| metrics_of(alarm));
    let own = alarms.filter(|metric| metric["Namespace"] == metric::NAMESPACE);
    let rings: Names = own.map(|metric| metric["MetricName"].as_str().unwrap().to_owned()).collect();
    for name in Counter::ALL.map(Counter::name) {
        assert!(titled("Mails").contains(&name) || rings.contains(&name), "{name} is shown nowhere");
    }
    for percentile in ["p50", "p99"] {
        assert!(titled("From arrival to archive").contains(percentile));
    }
    let counted = Counter::ALL.map(Counter::name).into_iter().chain([ARRIVAL_TO_ARCHIVE.to_owned()]);
    let filters = template.resources("AWS::Logs::MetricFilter").map(|(_, filter)| &filter["MetricTransformations"][0]);
    let filtered = filters.map(|filter| filter["MetricName"].as_str().unwrap().to_owned());
    let there: Names = counted.chain(filtered).collect();
    assert_eq!(rings.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "nothing counts it");
}

/// What an alarm looks at: one metric, or those of an expression.
fn metrics_of(alarm: &Value) -> Vec<&Value> {
    match alarm["Metrics"].as_array() {
        Some(metrics) => metrics.iter().map(|of| &of["MetricStat"]["Metric"]).filter(|m| !m.is_null()).collect(),
        None => vec![alarm],
    }
}

#[test]
fn every_alarm_has_its_section_for_the_operator_and_every_section_its_alarm() {
    let template = Template::read();
    let manual = std::fs::read_to_string(root().join("docs/operator.md")).unwrap();
    let (_, alarms) = manual.split_once("\n## Alarms\n").expect("a chapter on alarms");
    let chapter = alarms.split("\n## ").next().unwrap();
    let told: Names = chapter.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    let deployed: Names = template.resources("AWS::CloudWatch::Alarm").map(|(id, _)| id.to_owned()).collect();
    assert_eq!(told, deployed);
    for section in chapter.split("\n### ").skip(1) {
        let name = section.lines().next().unwrap();
        for part in ["**Means.**", "**Do.**"] {
            assert!(section.contains(part), "{name} has no {part}");
        }
        let description = &template.properties(name)["AlarmDescription"];
        let pointed = description.as_str().is_some_and(|text| text.contains(&format!("docs/operator.md, {name}")));
        assert!(pointed, "{name} does not say where to read on");
    }
}

#[test]
fn aws_vouches_for_audiences_that_greffe_draws_and_for_the_one_of_before_only() {
    let template = Template::read();
    let own = Audience::draw("platform", &Random::seeded(1));
    let asked = ["greffe:*", Audience::shared().as_str()].map(str::to_owned);
    assert!(own.as_str().starts_with("greffe:"));
    let mut roles = 0;
    for (id, _) in template.resources("AWS::IAM::Role") {
        let statements = template.properties(id)["Policies"][0]["PolicyDocument"]["Statement"].as_array();
        for statement in statements.into_iter().flatten().filter(|s| s["Action"] == "sts:GetWebIdentityToken") {
            let condition = &statement["Condition"];
            assert_eq!(condition["ForAllValues:StringLike"], json!({ "sts:IdentityTokenAudience": asked }), "{id}");
            // ForAllValues holds for a request without the key, too.
            assert_eq!(condition["Null"], json!({ "sts:IdentityTokenAudience": "false" }), "{id}");
            roles += 1;
        }
    }
    let subjects = &template.properties("Api")["Environment"]["Variables"]["GREFFE_FEDERATED_SUBJECTS"];
    assert_eq!(subjects, &template.0["Outputs"]["FederatedSubjects"]["Value"]);
    assert_eq!(subjects["Fn::Join"][1].as_array().map(Vec::len), Some(roles));
}

#[test]
fn s3_removes_what_is_kept_until_the_end_of_a_year_as_the_next_one_begins_and_nothing_else() {
    let template = Template::read();
    let rules = template.properties("Originals")["LifecycleConfiguration"]["Rules"].as_array().unwrap();
    let expiring = rules.iter().filter(|rule| rule.get("ExpirationDate").is_some());
    let found: BTreeSet<[&str; 3]> =
        expiring.map(|rule| ["Prefix", "ExpirationDate", "Status"].map(|name| rule[name].as_str().unwrap())).collect();
    let until = (FIRST_EXPIRY_YEAR..=LAST_EXPIRY_YEAR).map(KeptUntil::of_year);
    let wanted: Vec<[String; 2]> = until.map(|until| [root_of(until), until.end().unwrap().to_string()]).collect();
    let wanted: BTreeSet<[&str; 3]> =
        wanted.iter().map(|[prefix, end]| [prefix.as_str(), end.as_str(), "Enabled"]).collect();
    assert_eq!(found, wanted);
    assert!(rules.iter().all(|rule| rule.get("ExpirationInDays").is_none()), "nothing is counted in days");
    let of = |id: &str| rules.iter().find(|rule| rule["Id"] == id && rule["Status"] == "Enabled").expect(id);
    let removed = of("forget-what-was-removed");
    assert_eq!(removed["NoncurrentVersionExpiration"]["NoncurrentDays"], NONCURRENT_DAYS);
    assert_eq!(removed["ExpiredObjectDeleteMarker"], true);
    let incomplete = &of("forget-what-was-not-completed")["AbortIncompleteMultipartUpload"];
    assert_eq!(incomplete["DaysAfterInitiation"], ABORT_DAYS);
}
