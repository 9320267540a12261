//! Mistakes that `sam validate --lint` and `cfn-lint` let through, and that would show only after a deployment.

use serde_json::{Value, json};
use tests::template::{Template, attribute, name_of};

/// Only this function's URL is open to all: Graph can't sign for IAM, and each notice carries a MAC instead.
const OPEN_TO_ALL: [&str; 1] = ["GraphWebhook"];
/// What SAM takes for all functions at once, of what we use.
/// Source:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>
const GLOBAL: [&str; 9] = [
    "Runtime",
    "Handler",
    "Architectures",
    "AutoPublishAlias",
    "MemorySize",
    "Timeout",
    "Environment",
    "LoggingConfig",
    "Tags",
];

/// Everything that is wrong.
fn faults(template: &Template) -> Vec<String> {
    [runtime, function_urls, sources, dead_letters, rules, schedules, logs, alarms, rollouts]
        .iter()
        .flat_map(|f| f(template))
        .collect()
}

fn runtime(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    let globals = template.0["Globals"].as_object().into_iter().flatten();
    for (section, settings) in globals {
        let known = section == "Function";
        let unknown = settings.as_object().into_iter().flatten().filter(|(name, _)| !GLOBAL.contains(&name.as_str()));
        let unknown: Vec<_> = if known { unknown.map(|(name, _)| name).collect() } else { vec![section] };
        faults.extend(unknown.into_iter().map(|name| format!("Globals: {name} is not for all functions")));
    }
    for (_, id, function) in template.functions() {
        for (name, right) in [("Runtime", "provided.al2023"), ("Handler", "bootstrap")] {
            let told = template.of_function(function, name);
            if told != right {
                faults.push(format!("{id}: {name} is {told}, and only {right} starts a Rust program"));
            }
        }
        let timeout = template.of_function(function, "Timeout").as_u64();
        if !timeout.is_some_and(|seconds| (1..=900).contains(&seconds)) {
            faults.push(format!("{id}: its Timeout has to be told, in seconds"));
        }
    }
    faults
}

fn function_urls(template: &Template) -> Vec<String> {
    let urls = template.functions().filter(|(_, _, function)| !function["FunctionUrlConfig"].is_null());
    let wrong = urls.filter_map(|(_, id, function)| {
        let told = &function["FunctionUrlConfig"]["AuthType"];
        let right = if OPEN_TO_ALL.contains(&id) { "NONE" } else { "AWS_IAM" };
        (told != right).then(|| format!("{id}: the AuthType of its URL is {told}, not {right}"))
    });
    wrong.collect()
}

/// Queues that feed functions. Source: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
fn sources(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, id, function) in template.functions() {
        for (name, event) in function["Events"].as_object().into_iter().flatten().filter(|(_, e)| e["Type"] == "SQS") {
            let source = &event["Properties"];
            let mut wrong = |what: &str| faults.push(format!("{id}: the source {name} {what}"));
            let Some((queue, "Arn")) = attribute(&source["Queue"]) else {
                wrong("names no queue by its Arn");
                continue;
            };
            let queue = template.properties(queue);
            let most = if queue["FifoQueue"] == true { 10 } else { 10_000 };
            if !source["BatchSize"].as_u64().is_some_and(|size| (1..=most).contains(&size)) {
                wrong("has a BatchSize that its queue can't give");
            }
            if source["FunctionResponseTypes"] != json!(["ReportBatchItemFailures"]) {
                wrong("would bring back what is done with together with what failed");
            }
            let hidden = queue["VisibilityTimeout"].as_u64().unwrap_or(30);
            let timeout = template.of_function(function, "Timeout").as_u64().unwrap_or(3);
            if hidden < 6 * timeout {
                wrong(
                    "hands a job out again while the function may still hold it: VisibilityTimeout is under six times Timeout",
                );
            }
        }
    }
    faults
}

fn dead_letters(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, queue) in template.resources("AWS::SQS::Queue") {
        let target = &queue["RedrivePolicy"]["deadLetterTargetArn"];
        if queue["RedrivePolicy"].is_null() {
            if !has_alarm(template, "ApproximateNumberOfMessagesVisible", "QueueName", id) {
                faults.push(format!(
                    "{id}: it has no dead-letter queue, and if it is one, no alarm tells of what is in it"
                ));
            }
            continue;
        }
        match attribute(target) {
            Some((other, "Arn")) if template.properties(other)["FifoQueue"] == queue["FifoQueue"] => {}
            _ => faults.push(format!("{id}: {target} is not the Arn of a dead-letter queue of its kind")),
        }
        if !has_alarm(template, "ApproximateAgeOfOldestMessage", "QueueName", id) {
            faults.push(format!("{id}: no alarm tells that its oldest message waits for long"));
        }
    }
    let mut configured = Vec::new();
    walk(&template.0, &mut |name, value| {
        if name == "DeadLetterConfig" && attribute(&value["Arn"]).is_none_or(|(_, attribute)| attribute != "Arn") {
            configured.push(format!("DeadLetterConfig: {} is not the Arn of a queue", value["Arn"]));
        }
    });
    faults.extend(configured);
    faults
}

/// What a rule can't deliver goes to a queue that takes it from that rule; else EventBridge drops it without a word.
/// Source: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html>
fn rules(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (id, rule) in template.resources("AWS::Events::Rule") {
        for target in rule["Targets"].as_array().into_iter().flatten() {
            let Some((queue, "Arn")) = attribute(&target["DeadLetterConfig"]["Arn"]) else {
                faults.push(format!("{id}: what {} does not take is dropped", target["Id"]));
                continue;
            };
            if template.properties(queue)["FifoQueue"] == true {
                faults.push(format!("{id}: {queue} is a FIFO queue, which EventBridge can't fill"));
            }
            let taken = json!({
                "Effect": "Allow",
                "Principal": { "Service": "events.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": { "Fn::GetAtt": format!("{queue}.Arn") },
                "Condition": { "ArnEquals": { "aws:SourceArn": { "Fn::GetAtt": format!("{id}.Arn") } } },
            });
            let takes = |policy: &Value| {
                let mut statements = policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten();
                policy["Queues"] == json!([{ "Ref": queue }])
                    && statements.any(|s| taken.as_object().is_some_and(|t| t.iter().all(|(n, v)| s[n] == *v)))
            };
            if !template.resources("AWS::SQS::QueuePolicy").any(|(_, policy)| takes(policy)) {
                faults.push(format!("{id}: {queue} does not take what it can't deliver"));
            }
        }
    }
    faults
}

fn schedules(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    walk(&template.0, &mut |name, value| {
        if name == "ScheduleExpression" && !value.as_str().is_some_and(is_schedule) {
            faults.push(format!("{value} is no schedule"));
        }
    });
    faults
}

/// `rate(5 minutes)`, `cron(minute hour day month weekday year)`, `at(2026-03-02T08:00:00)`.
/// Source: <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>
fn is_schedule(text: &str) -> bool {
    let Some((kind, inside)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) else { return false };
    let parts: Vec<&str> = inside.split_whitespace().collect();
    match (kind, parts.as_slice()) {
        ("rate", [number, unit]) => match number.parse::<u32>() {
            Ok(1) => ["minute", "hour", "day"].contains(unit),
            Ok(2..) => ["minutes", "hours", "days"].contains(unit),
            _ => false,
        },
        // Of the day of the month and the day of the week, one says nothing.
        ("cron", [_, _, day, _, weekday, _]) => {
            let fits = |part: &&str| part.chars().all(|c| c.is_ascii_alphanumeric() || "*?,-/#".contains(c));
            (*day == "?") != (*weekday == "?") && parts.iter().all(fits)
        }
        ("at", [time]) => time.parse::<jiff::civil::DateTime>().is_ok(),
        _ => false,
    }
}

fn logs(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, id, function) in template.functions() {
        let group = template.of_function(function, "LoggingConfig")["LogGroup"]["Ref"].as_str().unwrap_or_default();
        let name = &template.properties(group)["LogGroupName"]["Fn::Sub"];
        if name != &format!("/aws/lambda/${{AWS::StackName}}-{}", name_of(function)) {
            faults.push(format!("{id}: it logs to {name}, which is not the log group of its own"));
        }
    }
    for (id, group) in template.resources("AWS::Logs::LogGroup") {
        if group["RetentionInDays"].is_null() {
            faults.push(format!("{id}: it is kept for ever"));
        }
    }
    faults
}

/// A function behind an address answers a failure with a 5xx, also where it crashed: Lambda counts no error then.
/// Sources: <https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
fn alarms(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, id, function) in template.functions() {
        let mut integrations = template.resources("AWS::ApiGatewayV2::Integration");
        let api = integrations.find(|(_, i)| i["IntegrationUri"]["Ref"] == format!("{id}.Alias"));
        let api = api.and_then(|(_, integration)| integration["ApiId"]["Ref"].as_str());
        let (metric, dimension, of) = match (function["FunctionUrlConfig"].is_null(), api) {
            (false, _) => ("Url5xxCount", "FunctionName", id),
            (true, Some(api)) => ("5xx", "ApiId", api),
            (true, None) => ("Errors", "FunctionName", id),
        };
        if !has_alarm(template, metric, dimension, of) {
            faults.push(format!("{id}: no alarm tells of its failures: {metric}"));
        }
        if metric != "Errors" && has_alarm(template, "Errors", "FunctionName", id) {
            faults.push(format!("{id}: an alarm looks at its Errors, and it answers failures"));
        }
    }
    for (_, id, function) in template.functions() {
        for schedule in function["Events"].as_object().into_iter().flat_map(|events| events.values()) {
            let Some(runs) = runs_of(&schedule["Properties"]["Input"]) else { continue };
            if !rings_without(template, &runs) {
                faults.push(format!("{id}: no alarm rings while its schedule is silent: {runs}"));
            }
        }
    }
    for (id, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        for actions in ["AlarmActions", "OKActions"] {
            if alarm[actions] != json!([{ "Ref": "Alarms" }]) {
                faults.push(format!("{id}: its {actions} reach nobody"));
            }
        }
        if alarm["TreatMissingData"].is_null() {
            faults.push(format!("{id}: it does not say what no data means"));
        }
        let shown = alarm["Metrics"].as_array().into_iter().flatten().filter(|metric| metric["ReturnData"] == true);
        if !alarm["Metrics"].is_null() && shown.count() != 1 {
            faults.push(format!("{id}: not one of its metrics rings"));
        }
    }
    faults
}

/// An update moves the alias from version to version while alarms watch; who called a function itself would have all of
/// it at once.
fn rollouts(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    let alarms: Vec<&str> = template.resources("AWS::CloudWatch::Alarm").map(|(id, _)| id).collect();
    for (_, id, function) in template.functions() {
        let gradual = &function["DeploymentPreference"]["Alarms"]["Fn::If"];
        if gradual[0] != "IsGradual" || gradual[2]["Ref"] != "AWS::NoValue" {
            faults.push(format!("{id}: an alarm that rings stops the remedy"));
        }
        let watching = gradual[1].as_array().into_iter().flatten();
        let watching: Vec<_> = watching.map(|alarm| alarm["Ref"].as_str().unwrap_or_default()).collect();
        if watching.is_empty() || watching.iter().any(|alarm| !alarms.contains(alarm)) {
            faults.push(format!("{id}: no alarm takes an update of it back: {watching:?}"));
        }
        let permissions = template.resources("AWS::Lambda::Permission").map(|(_, p)| &p["FunctionName"]);
        let integrations = template.resources("AWS::ApiGatewayV2::Integration").map(|(_, i)| &i["IntegrationUri"]);
        let around = permissions
            .chain(integrations)
            .filter(|called| called["Ref"] == id || attribute(called).is_some_and(|(of, _)| of == id));
        faults.extend(around.map(|called| format!("{id}: {called} calls it and not its alias")));
    }
    faults
}

/// The metric that counts the runs of a schedule, by the input that it gives: `PollRuns` of `{"schedule":"poll"}`.
fn runs_of(input: &Value) -> Option<String> {
    let input: Value = serde_json::from_str(input.as_str()?).ok()?;
    let (first, rest) = input["schedule"].as_str()?.split_at_checked(1)?;
    Some(format!("{}{rest}Runs", first.to_uppercase()))
}

/// Whether an alarm rings where there is no value of `metric`.
fn rings_without(template: &Template, metric: &str) -> bool {
    let mut alarms = template.resources("AWS::CloudWatch::Alarm").map(|(_, alarm)| alarm);
    alarms.any(|alarm| {
        let several = alarm["Metrics"].as_array().into_iter().flatten().map(|of| &of["MetricStat"]["Metric"]);
        alarm["TreatMissingData"] == "breaching" && several.chain([alarm]).any(|of| of["MetricName"] == metric)
    })
}

/// Whether an alarm looks at `metric` of the resource `id`.
fn has_alarm(template: &Template, metric: &str, dimension: &str, id: &str) -> bool {
    template.resources("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
        let mut dimensions = alarm["Dimensions"].as_array().into_iter().flatten();
        alarm["MetricName"] == metric
            && dimensions.any(|d| {
                let named = d["Value"]["Ref"].as_str().or(attribute(&d["Value"]).map(|(queue, _)| queue));
                d["Name"] == dimension && named == Some(id)
            })
    })
}

fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            visit(name, value);
            walk(value, visit);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

#[test]
fn the_template_has_none_of_the_faults_that_linters_let_through() {
    assert_eq!(faults(&Template::read()), Vec::<String>::new());
}

#[test]
fn each_such_fault_is_found_where_it_is_seeded() {
    let seeded: [(&str, Value, &str); 24] = [
        ("/Resources/GraphWebhook/Properties/FunctionUrlConfig/AuthType", json!("PUBLIC"), "the AuthType of its URL"),
        ("/Resources/Api/Properties/FunctionUrlConfig", json!({ "AuthType": "NONE" }), "the AuthType of its URL"),
        ("/Resources/DeltaPoll/Properties/Events/MailQueue/Properties/BatchSize", json!(11), "BatchSize"),
        ("/Resources/MailQueue/Properties/VisibilityTimeout", json!(60), "six times Timeout"),
        ("/Resources/DeltaPoll/Properties/Timeout", json!(300), "six times Timeout"),
        (
            "/Resources/MailQueue/Properties/RedrivePolicy/deadLetterTargetArn",
            json!({ "Ref": "MailDeadLetters" }),
            "not the Arn of a dead-letter queue",
        ),
        ("/Resources/MailDeadLetters/Properties/FifoQueue", json!(false), "not the Arn of a dead-letter queue"),
        ("/Resources/TellApplication/Properties/Targets/0/DeadLetterConfig", Value::Null, "does not take is dropped"),
        ("/Resources/ApplicationDeadLetters/Properties/FifoQueue", json!(true), "which EventBridge can't fill"),
        (
            "/Resources/ApplicationDeadLettersPolicy/Properties/PolicyDocument/Statement/0/Condition/ArnEquals",
            json!({ "aws:SourceArn": { "Fn::GetAtt": "EventBus.Arn" } }),
            "does not take what it can't deliver",
        ),
        (
            "/Resources/DeltaPoll/Properties/Events/Poll/Properties/ScheduleExpression",
            json!("rate(1 minutes)"),
            "is no schedule",
        ),
        ("/Globals/Function/Runtime", json!("provided.al2"), "starts a Rust program"),
        ("/Globals/Runtime", json!("provided.al2023"), "is not for all functions"),
        ("/Resources/ApiLog/Properties/RetentionInDays", Value::Null, "kept for ever"),
        ("/Resources/Api/Properties/LoggingConfig/LogGroup/Ref", json!("DeltaPollLog"), "the log group of its own"),
        (
            "/Resources/ApiErrors/Properties/Dimensions/0/Value/Ref",
            json!("Domain"),
            "no alarm tells of its failures: 5xx",
        ),
        ("/Resources/GraphWebhookErrors/Properties/MetricName", json!("Errors"), "and it answers failures"),
        ("/Resources/ScheduleSilent/Properties/Metrics/0/ReturnData", json!(false), "not one of its metrics rings"),
        ("/Resources/ScheduleSilent/Properties/TreatMissingData", json!("notBreaching"), "silent: PollRuns"),
        ("/Resources/CheckSilent/Properties/MetricName", json!("PollRuns"), "silent: CheckRuns"),
        ("/Resources/ApiErrors/Properties/AlarmActions", json!([]), "reach nobody"),
        (
            "/Resources/Api/Properties/DeploymentPreference/Alarms/Fn::If/1",
            json!([{ "Ref": "Gone" }]),
            "takes an update of it back",
        ),
        (
            "/Resources/Api/Properties/DeploymentPreference/Alarms/Fn::If/2",
            json!([{ "Ref": "ApiErrors" }]),
            "stops the remedy",
        ),
        ("/Resources/RotationPermission/Properties/FunctionName/Ref", json!("SecretExpiry"), "and not its alias"),
    ];
    for (place, value, told) in seeded {
        let mut template = Template::read();
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = template.0.pointer_mut(parent).unwrap_or_else(|| panic!("{place} is not there"));
        match parent {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            fields => fields[name] = value,
        }
        let found = faults(&template);
        assert!(found.iter().any(|fault| fault.contains(told)), "{place}: {found:?}");
    }
}

#[test]
fn a_schedule_is_what_event_bridge_scheduler_takes() {
    let right =
        ["rate(1 minute)", "rate(5 minutes)", "rate(12 hours)", "cron(0 6 * * ? *)", "cron(0/15 8-17 ? * MON-FRI *)"];
    let wrong = [
        "rate(5 minute)",
        "rate(1 minutes)",
        "rate(0 days)",
        "rate(90 seconds)",
        "every minute",
        "cron(0 6 * * * *)",
        "cron(0 6 * * ?)",
        "rate(1 minute",
        "at(soon)",
    ];
    for text in right {
        assert!(is_schedule(text), "{text}");
    }
    for text in wrong {
        assert!(!is_schedule(text), "{text}");
    }
    assert!(is_schedule("at(2026-03-02T08:00:00)"));
}
