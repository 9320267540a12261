//! DynamoDB: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/>

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue as Value, BillingMode, ConditionCheck, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, KeysAndAttributes, Projection, ProjectionType, Put, PutRequest, ReturnValue,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
    TransactWriteItem, Update, WriteRequest,
};
use futures::future::join_all;

use crate::{World, refused, unique};

fn text(value: &str) -> Value {
    Value::S(value.to_owned())
}

fn number(value: impl ToString) -> Value {
    Value::N(value.to_string())
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn defined(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
}

/// A table of `pk` and `sk`, with the sparse index `due` of `shard` and the number `at`.
async fn table(db: &Client) -> String {
    let name = unique("greffe");
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("shard", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .unwrap();
    db.create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(defined("pk", ScalarAttributeType::S))
        .attribute_definitions(defined("sk", ScalarAttributeType::S))
        .attribute_definitions(defined("shard", ScalarAttributeType::S))
        .attribute_definitions(defined("at", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(due)
        .send()
        .await
        .unwrap();
    name
}

fn item(sk: &str, more: &[(&str, Value)]) -> HashMap<String, Value> {
    let mut item = HashMap::from([("pk".to_owned(), text("firm")), ("sk".to_owned(), text(sk))]);
    item.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    item
}

async fn put(db: &Client, table: &str, item: HashMap<String, Value>) {
    db.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
}

async fn get(db: &Client, table: &str, sk: &str) -> Option<HashMap<String, Value>> {
    let get = db.get_item().table_name(table).set_key(Some(item(sk, &[]))).consistent_read(true);
    get.send().await.unwrap().item
}

fn creating(table: &str, sk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item(sk, &[("n", number(0))])))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

fn counting(table: &str, sk: &str, by: i32) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(item(sk, &[])))
        .update_expression("ADD n :by")
        .expression_attribute_values(":by", number(by));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

#[tokio::test]
async fn of_sixteen_who_create_an_item_one_succeeds() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let attempts = (0..16).map(|writer| {
        db.put_item()
            .table_name(&table)
            .set_item(Some(item("one", &[("writer", number(writer))])))
            .condition_expression("attribute_not_exists(pk)")
            .send()
    });
    let (won, lost): (Vec<_>, Vec<_>) = join_all(attempts).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for attempt in lost {
        assert_eq!(refused(attempt), "ConditionalCheckFailedException");
    }
}

#[tokio::test]
async fn sixteen_counters_lose_no_count() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let counts = (0..16).map(|_| {
        db.update_item()
            .table_name(&table)
            .set_key(Some(item("counter", &[])))
            .update_expression("ADD n :one")
            .expression_attribute_values(":one", number(1))
            .send()
    });
    for count in join_all(counts).await {
        count.unwrap();
    }
    assert_eq!(get(&db, &table, "counter").await.unwrap()["n"], number(16));
}

#[tokio::test]
async fn a_failed_condition_changes_nothing_and_shows_what_is_there() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    put(&db, &table, item("state", &[("state", text("archived"))])).await;
    let update = db
        .update_item()
        .table_name(&table)
        .set_key(Some(item("state", &[])))
        .update_expression("SET #s = :new")
        .condition_expression("#s = :old")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":new", text("announced"))
        .expression_attribute_values(":old", text("pending"))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let error = update.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed) = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(failed.item().unwrap()["state"], text("archived"));
    assert_eq!(get(&db, &table, "state").await.unwrap()["state"], text("archived"));
}

#[tokio::test]
async fn an_update_returns_the_item_as_it_was_or_as_it_is() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    put(&db, &table, item("one", &[("a", text("x")), ("b", text("y"))])).await;
    let update = |expression: &str, returned| {
        let update = db.update_item().table_name(&table).set_key(Some(item("one", &[])));
        update.update_expression(expression).return_values(returned)
    };
    let old = update("REMOVE b", ReturnValue::AllOld).send().await.unwrap();
    assert_eq!(old.attributes.unwrap()["b"], text("y"));
    let new = update("SET a = if_not_exists(c, :z)", ReturnValue::AllNew);
    let new = new.expression_attribute_values(":z", text("z")).send().await.unwrap();
    assert_eq!(new.attributes, Some(item("one", &[("a", text("z"))])));
}

#[tokio::test]
async fn a_transaction_is_whole_or_nothing_and_names_each_reason() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    put(&db, &table, item("there", &[("n", number(7))])).await;

    let transaction = db.transact_write_items();
    let transaction = transaction.transact_items(creating(&table, "new"));
    let transaction = transaction.transact_items(creating(&table, "there"));
    let error = transaction.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        canceled,
    ) = error
    else {
        panic!("{error:?}");
    };
    let codes: Vec<_> = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    let shown = canceled.cancellation_reasons()[1].item().unwrap();
    assert_eq!(shown["n"], number(7));
    assert_eq!(get(&db, &table, "new").await, None);

    let check = ConditionCheck::builder()
        .table_name(&table)
        .set_key(Some(item("there", &[])))
        .condition_expression("n = :seven")
        .expression_attribute_values(":seven", number(7));
    let check = TransactWriteItem::builder().condition_check(check.build().unwrap()).build();
    let transaction = db.transact_write_items().transact_items(check);
    let transaction = transaction.transact_items(creating(&table, "new"));
    transaction.transact_items(counting(&table, "count", 1)).send().await.unwrap();
    assert!(get(&db, &table, "new").await.is_some());
    assert_eq!(get(&db, &table, "count").await.unwrap()["n"], number(1));
}

#[tokio::test]
async fn a_transaction_sent_twice_under_one_token_happens_once() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let token = unique("token");
    let send = |by| {
        let transaction = db.transact_write_items().client_request_token(&token);
        transaction.transact_items(counting(&table, "count", by)).send()
    };
    send(1).await.unwrap();
    send(1).await.unwrap();
    assert_eq!(get(&db, &table, "count").await.unwrap()["n"], number(1));
    assert_eq!(refused(send(2).await), "IdempotentParameterMismatchException");
}

#[tokio::test]
async fn of_writers_who_meet_at_an_item_in_a_transaction_only_one_is_served_at_a_time() {
    let world = World::new().await;
    if world.embedded.is_none() {
        return; // Elsewhere it depends on who is quick.
    }
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let both = |own| {
        let transaction = db.transact_write_items().transact_items(creating(&table, own));
        transaction.transact_items(counting(&table, "count", 1)).send()
    };
    let alone = db.put_item().table_name(&table).set_item(Some(item("count", &[("n", number(9))]))).send();
    let (first, second, third) = tokio::join!(both("first"), both("second"), alone);
    first.unwrap();
    let Err(aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        canceled,
    )) = second.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error)
    else {
        panic!("two transactions had one item at once");
    };
    let codes: Vec<_> = canceled.cancellation_reasons().iter().filter_map(|reason| reason.code()).collect();
    assert_eq!(codes, ["None", "TransactionConflict"]);
    assert_eq!(refused(third), "TransactionConflictException");
    assert_eq!(get(&db, &table, "count").await.unwrap()["n"], number(1));
    both("second").await.unwrap();
}

#[tokio::test]
async fn two_actions_on_one_item_are_refused() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let transaction = db.transact_write_items().transact_items(counting(&table, "count", 1));
    let transaction = transaction.transact_items(counting(&table, "count", 2));
    assert_eq!(refused(transaction.send().await), "ValidationException");
}

#[tokio::test]
async fn an_index_is_read_in_the_order_of_its_numbers_page_by_page() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    for at in [10, 9, 100, -1, 2] {
        let due = [("shard", text("0")), ("at", number(at))];
        put(&db, &table, item(&format!("mailbox-{at}"), &due)).await;
    }
    put(&db, &table, item("not due", &[])).await;
    let (mut read, mut start, mut pages) = (Vec::new(), None, 0);
    loop {
        let query = db
            .query()
            .table_name(&table)
            .index_name("due")
            .key_condition_expression("#shard = :shard AND #at <= :now")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":shard", text("0"))
            .expression_attribute_values(":now", number(50))
            .limit(2)
            .set_exclusive_start_key(start);
        let page = query.send().await.unwrap();
        pages += 1;
        read.extend(page.items().iter().map(|item| item["at"].as_n().unwrap().clone()));
        start = page.last_evaluated_key;
        if start.is_none() {
            break;
        }
    }
    assert_eq!(read, ["-1", "2", "9", "10"]);
    assert!((2..=3).contains(&pages));
}

#[tokio::test]
async fn keys_are_read_by_prefix_and_backwards() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    for sk in ["message#1", "message#2", "message#10", "member#1", "message"] {
        put(&db, &table, item(sk, &[])).await;
    }
    let query = db
        .query()
        .table_name(&table)
        .key_condition_expression("pk = :firm AND begins_with(sk, :prefix)")
        .expression_attribute_values(":firm", text("firm"))
        .expression_attribute_values(":prefix", text("message#"))
        .scan_index_forward(false);
    let page = query.send().await.unwrap();
    let read: Vec<_> = page.items().iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(read, ["message#2", "message#10", "message#1"]);
}

#[tokio::test]
async fn numbers_keep_thirty_eight_digits_and_no_more() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let digits = "12345678901234567890123456789012345678";
    put(&db, &table, item("number", &[("n", number(digits))])).await;
    assert_eq!(get(&db, &table, "number").await.unwrap()["n"], number(digits));
    let longer = item("number", &[("n", number(format!("{digits}9")))]);
    let longer = db.put_item().table_name(&table).set_item(Some(longer)).send().await;
    assert_eq!(refused(longer), "ValidationException");
}

#[tokio::test]
async fn a_batch_takes_twenty_five_writes_and_refuses_one_more() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let write = |n: i32| {
        let put = PutRequest::builder().set_item(Some(item(&format!("item-{n}"), &[])));
        WriteRequest::builder().put_request(put.build().unwrap()).build()
    };
    let batch = |count| {
        let writes = (0..count).map(write).collect();
        db.batch_write_item().request_items(&table, writes).send()
    };
    batch(25).await.unwrap();
    assert_eq!(refused(batch(26).await), "ValidationException");

    let keys = (20..30).map(|n| item(&format!("item-{n}"), &[])).collect();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
    let read = db.batch_get_item().request_items(&table, keys).send().await.unwrap();
    assert_eq!(read.responses.unwrap()[&table].len(), 5);
    assert!(read.unprocessed_keys.is_none_or(|keys| keys.is_empty()));
}

#[tokio::test]
async fn a_time_to_live_is_remembered() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    expire_by(&db, &table).await;
    let described = db.describe_time_to_live().table_name(&table).send().await.unwrap();
    let described = described.time_to_live_description.unwrap();
    assert_eq!(described.attribute_name(), Some("expires"));
    assert_eq!(described.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
}

async fn expire_by(db: &Client, table: &str) {
    let by = TimeToLiveSpecification::builder().attribute_name("expires").enabled(true);
    let update = db.update_time_to_live().table_name(table);
    update.time_to_live_specification(by.build().unwrap()).send().await.unwrap();
}

#[tokio::test]
async fn an_item_expires_by_the_clock_that_everyone_else_goes_by() {
    let world = World::new().await;
    let Some(embedded) = &world.embedded else {
        return;
    };
    let db = Client::new(&world.config);
    let table = table(&db).await;
    expire_by(&db, &table).await;
    let now = embedded.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    put(&db, &table, item("short", &[("expires", number(now + 60))])).await;
    put(&db, &table, item("long", &[("expires", number(now + 6000))])).await;
    world.pass(30).await;
    assert!(get(&db, &table, "short").await.is_some());
    world.pass(60).await;
    assert_eq!(get(&db, &table, "short").await, None);
    assert!(get(&db, &table, "long").await.is_some());
}

#[tokio::test]
async fn a_table_exists_once_and_a_missing_one_is_named() {
    let world = World::new().await;
    let db = Client::new(&world.config);
    let table = table(&db).await;
    let again = db
        .create_table()
        .table_name(&table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(defined("pk", ScalarAttributeType::S))
        .key_schema(key("pk", KeyType::Hash));
    assert_eq!(refused(again.send().await), "ResourceInUseException");
    let missing = db.describe_table().table_name(unique("nowhere")).send().await;
    assert_eq!(refused(missing), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_scan_is_refused_by_name() {
    let world = World::new().await;
    if world.embedded.is_none() {
        return; // Ours alone: AWS would scan, and send the bill.
    }
    let db = Client::new(&world.config);
    let scan = db.scan().table_name("greffe").send().await;
    assert_eq!(refused(scan), "UnknownOperationException");
}
