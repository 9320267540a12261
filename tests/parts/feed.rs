//! The feed: numbers without gaps, whoever dies.

use jiff::Timestamp;
use shared::{
    base::id::{ConnectorId, FirmId},
    firm::{
        fact::{Fact, FactEvent, NumberedFact},
        feed::{Feed, GAP_PATIENCE, Recorded},
    },
};
use tests::World;

/// A firm's feed, and the world it lies in.
async fn feed() -> (World, Feed, FirmId) {
    let world = World::new().await;
    let (feed, firm) = (world.host.app.feed.clone(), FirmId::draw(&world.host.app.random));
    (world, feed, firm)
}

fn fact(world: &World, id: &str) -> Fact {
    let connector = ConnectorId::draw(&world.host.app.random);
    let what = FactEvent::ConnectorConnected { connector, account: "ada@lumen.example".to_owned() };
    Fact { id: id.to_owned(), at: world.clock.now(), what }
}

fn numbers(facts: &[NumberedFact]) -> Vec<u64> {
    facts.iter().map(|numbered| numbered.number).collect()
}

#[tokio::test]
async fn a_reader_by_cursor_gets_each_fact_once_and_in_order() {
    let (world, feed, firm) = feed().await;
    for id in ["a", "b", "c"] {
        feed.tell_with(firm, Vec::new(), fact(&world, id)).await.unwrap();
    }
    let now = world.clock.now();
    let (first, reached) = feed.facts_after(firm, 0, 2, now).await.unwrap();
    assert_eq!((numbers(&first), reached), (vec![1, 2], 2));
    let (rest, reached) = feed.facts_after(firm, reached, 2, now).await.unwrap();
    assert_eq!((numbers(&rest), reached), (vec![3], 3));
    assert_eq!(feed.facts_after(firm, reached, 2, now).await.unwrap(), (vec![], 3));
    assert_eq!(numbers(&feed.facts_before(firm, 3, 10).await.unwrap()), [2, 1]);
}

#[tokio::test]
async fn a_reader_waits_for_a_number_that_is_not_written_yet() {
    let (world, feed, firm) = feed().await;
    let late = feed.take_numbers(firm, 1).await.unwrap();
    feed.tell_with(firm, Vec::new(), fact(&world, "later")).await.unwrap();
    assert_eq!(feed.facts_after(firm, 0, 10, world.clock.now()).await.unwrap(), (vec![], 0));
    let slow = fact(&world, "slow");
    assert_eq!(feed.record(firm, late, &slow).await.unwrap(), Recorded::New);
    let (facts, _) = feed.facts_after(firm, 0, 10, world.clock.now()).await.unwrap();
    assert_eq!(numbers(&facts), [1, 2]);
}

#[tokio::test]
async fn a_number_whose_writer_died_is_given_up_and_its_writer_takes_another_if_it_lives() {
    let (world, feed, firm) = feed().await;
    let lost = feed.take_numbers(firm, 1).await.unwrap();
    feed.tell_with(firm, Vec::new(), fact(&world, "later")).await.unwrap();
    let patient: Timestamp = world.clock.now() + GAP_PATIENCE;
    let (facts, reached) = feed.facts_after(firm, 0, 10, patient).await.unwrap();
    assert_eq!((numbers(&facts), reached), (vec![2], 2));
    assert_eq!(feed.record(firm, lost, &fact(&world, "slow")).await.unwrap(), Recorded::NumberGivenUp);
}

#[tokio::test]
async fn a_fact_that_is_written_again_stays_as_it_was() {
    let (world, feed, firm) = feed().await;
    let (number, once) = (feed.take_numbers(firm, 1).await.unwrap(), fact(&world, "once"));
    assert_eq!(feed.record(firm, number, &once).await.unwrap(), Recorded::New);
    assert_eq!(feed.record(firm, number, &once).await.unwrap(), Recorded::Before);
    assert_eq!(feed.record(firm, number, &fact(&world, "another")).await.unwrap(), Recorded::NumberGivenUp);
    let (facts, _) = feed.facts_after(firm, 0, 10, world.clock.now()).await.unwrap();
    assert_eq!(facts, [NumberedFact { number, fact: once }]);
}

#[tokio::test]
async fn a_number_that_was_given_up_is_shown_in_neither_order() {
    let world = World::new().await;
    let (firm, feed) = (world.firm("Lumen").await, &world.host.app.feed);
    let id: FirmId = firm.parse().unwrap();
    let lost = feed.take_numbers(id, 1).await.unwrap();
    for told in ["one", "two"] {
        feed.tell_with(id, Vec::new(), fact(&world, told)).await.unwrap();
    }
    feed.facts_after(id, 0, 10, world.clock.now() + GAP_PATIENCE).await.unwrap();
    for query in ["order=asc", "order=desc", "order=desc&type=connector_connected"] {
        let page = world.get(&format!("/v1/firms/{firm}/events?{query}")).await.ok();
        let mut shown: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|event| event["number"].as_u64().unwrap()).collect();
        shown.sort_unstable();
        assert_eq!(shown, [lost + 1, lost + 2], "{query}: {page}");
    }
}
