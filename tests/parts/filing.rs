//! Filing: one history for each message, whoever files at the same moment.

use shared::{
    base::id::{FirmId, MessageId},
    mail::filing::{self, FilingChange, FilingError},
};
use tests::{World, message_id};

#[tokio::test]
async fn two_who_file_at_once_both_stand_in_the_history_and_the_last_one_holds() {
    let world = World::new().await;
    let registry = world.registry().await;
    let mail = world.deliver("inbox", "Wanted by two");
    world.run_until_idle().await;
    let (firm, id): (FirmId, MessageId) = (registry.firm.parse().unwrap(), message_id(&registry, &mail));
    let (app, now) = (&world.host.app, world.clock.now());
    let file = |dossier: &'static str| {
        let change = FilingChange::requested(Some(dossier), "operator", now);
        filing::file((&app.table, &app.feed), (firm, id), change)
    };
    let (one, other) = futures::join!(file("D-1"), file("D-2"));
    let (one, other) = (one.unwrap(), other.unwrap());

    let history = filing::history(&app.table, firm, id).await.unwrap();
    assert_eq!(history.iter().map(|filing| filing.count).collect::<Vec<_>>(), [1, 2]);
    let last = if one.filing.as_ref().unwrap().count == 2 { one } else { other };
    assert_eq!(last.filing.as_ref(), history.last());
    assert_eq!(world.message(&registry, &mail).await.ok()["dossier"].as_str(), last.dossier());
}

#[tokio::test]
async fn what_the_firm_does_not_have_can_not_be_filed() {
    let world = World::new().await;
    let registry = world.registry().await;
    let (firm, id) = (registry.firm.parse().unwrap(), message_id(&registry, "AAMk1"));
    let app = &world.host.app;
    let change = FilingChange::requested(Some("D-1"), "operator", world.clock.now());
    let filed = filing::file((&app.table, &app.feed), (firm, id), change).await;
    assert!(matches!(filed, Err(FilingError::Unknown)), "{filed:?}");
}
