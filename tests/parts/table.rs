//! The table: changes that others make at the same time.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use shared::{
    aws::table::{Key, TableError, Write},
    base::id::FirmId,
};
use tests::World;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Counted {
    made: u32,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_anew_while_others_write_and_none_is_lost() {
    let world = World::new().await;
    let (table, key) = (&world.host.app.table, Key::api_key_count(FirmId::draw(&world.host.app.random)));
    let plus_one = |counted: Option<Counted>| Some(Counted { made: counted.map_or(0, |counted| counted.made) + 1 });
    let calls = AtomicU32::new(0);
    let slow = |counted: Option<Counted>| {
        // Others write between the reading and the writing of the first three tries.
        if calls.fetch_add(1, Ordering::SeqCst) < 3 {
            let another = table.update(&key, plus_one);
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(another)).unwrap();
        }
        plus_one(counted)
    };
    assert_eq!(table.update(&key, slow).await.unwrap(), Some(Counted { made: 4 }));
    assert_eq!(table.get::<Counted>(&key).await.unwrap().unwrap().value, Counted { made: 4 });
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_change_makes_an_item_changes_it_and_takes_it_away() {
    let world = World::new().await;
    let (table, key) = (&world.host.app.table, Key::api_key_count(FirmId::draw(&world.host.app.random)));
    let set = |made: Option<u32>| table.update(&key, move |_: Option<Counted>| made.map(|made| Counted { made }));
    assert_eq!(set(None).await.unwrap(), None);
    for made in [1, 2, 2] {
        assert_eq!(set(Some(made)).await.unwrap(), Some(Counted { made }));
    }
    assert_eq!(set(None).await.unwrap(), None);
    assert!(table.get::<Counted>(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_that_others_always_frustrate_is_given_up_and_another_error_is_not_tried_again() {
    let world = World::new().await;
    let (table, key) = (&world.host.app.table, Key::api_key_count(FirmId::draw(&world.host.app.random)));
    let before = world.clock.now();
    let (mut tries, mut made) = (table.tries(), 1);
    while tries.again(&TableError::Conflict { key: key.clone() }).await {
        made += 1;
    }
    assert_eq!(made, 16);
    let seconds = world.clock.now().duration_since(before).as_secs();
    assert!((2..=6).contains(&seconds), "{seconds}");
    assert!(!table.tries().again(&TableError::KeyTooLong).await);
}

#[tokio::test]
async fn transactions_that_meet_at_a_counter_all_take_effect_once() {
    let world = World::new().await;
    let app = &world.host.app;
    let (firm, table) = (FirmId::draw(&app.random), &app.table);
    let counter = Key::allowance(firm, 7);
    let adds = (0..8).map(|_| {
        let own = Write::insert(Key::api_key_count(FirmId::draw(&app.random)), &Counted { made: 1 });
        table.transact(vec![own, Write::add(counter.clone(), vec![("made".to_owned(), 1)])])
    });
    for added in futures::future::join_all(adds).await {
        added.unwrap();
    }
    assert_eq!(table.get::<Counted>(&counter).await.unwrap().unwrap().value, Counted { made: 8 });
}
