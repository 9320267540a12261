//! Least privilege, held against what the functions really did. A right too few fails the scenario that needs it
//! (`tests::rights`); a right too many fails here.

use std::collections::BTreeSet;

use tests::{
    rights::{Right, given_to_lambda, granted, heard_in},
    template::Template,
};

#[test]
fn what_lambda_does_for_a_function_its_role_allows() {
    let template = Template::read();
    let granted = granted(&template);
    let missing = given_to_lambda(&template).into_iter().filter(|right| !granted.contains(right));
    assert_eq!(missing.map(|right| right.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
#[ignore = "reads what the scenarios before it left in GREFFE_RIGHTS; .ci/run does both"]
fn no_function_has_a_right_that_no_scenario_uses() {
    let heard = heard_in(std::env::var_os("GREFFE_RIGHTS").expect("GREFFE_RIGHTS").as_ref());
    assert_eq!(unused(&Template::read(), &heard), Vec::<String>::new());
}

#[test]
fn a_right_too_many_is_found() {
    let mut template = Template::read();
    let heard: BTreeSet<Right> = granted(&template).into_iter().collect();
    assert_eq!(unused(&template, &heard), Vec::<String>::new());
    let statements = "/Resources/GraphWebhookRole/Properties/Policies/0/PolicyDocument/Statement/1/Action";
    *template.0.pointer_mut(statements).unwrap() = serde_json::json!(["sqs:SendMessage", "sqs:PurgeQueue"]);
    assert_eq!(unused(&template, &heard), ["graph-webhook sqs:PurgeQueue MailQueue"]);
}

fn unused(template: &Template, heard: &BTreeSet<Right>) -> Vec<String> {
    let lambdas = given_to_lambda(template);
    let rights = granted(template).into_iter();
    let unused = rights.filter(|right| !lambdas.contains(right) && !heard.iter().any(|done| right.allows(done)));
    unused.map(|right| right.to_string()).collect()
}
