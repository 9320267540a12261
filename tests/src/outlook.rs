//! A firm with members whose Outlook is pushed to, and a look into it.

use serde_json::{Value, json};

use crate::{ADA, World};

/// A firm, a connector, and its members.
pub struct Firm {
    /// Its id.
    pub id: String,
    /// Its connector's id.
    pub connector: String,
}

impl World {
    /// A firm whose members are reached through an administrator's consent.
    pub async fn pushing_firm(&self) -> Firm {
        self.pushing_firm_with(Value::Null).await
    }

    /// The same with an app registration of its own.
    pub async fn pushing_firm_with(&self, app: Value) -> Firm {
        self.register_for_push();
        self.tenant.add_user("admin@lumen.example", "Admin").expect("a user");
        self.tenant.make_admin("admin@lumen.example").expect("an administrator");
        let id = self.firm("Lumen Avocats").await;
        let connector = self.connector(&id, "organization", app).await;
        self.sign_in(&id, &connector, "admin@lumen.example").await.ok();
        Firm { id, connector }
    }

    /// The administrator has the app registration changed and consents to what it lists now; tokens with other rights
    /// have ended.
    pub async fn consent_to(&self, app: microsoft365::App) {
        let client_id = app.client_id.clone();
        self.microsoft.register_app(app).expect("an app");
        self.tenant.withdraw_consent(&client_id).expect("an app");
        self.tenant.grant_admin_consent(&client_id).expect("an app");
        self.clock.advance(std::time::Duration::from_secs(2 * 3600));
    }

    /// A firm whose one member is reached by its own sign-in, for dates and contacts.
    pub async fn pushing_firm_of(&self, address: &str) -> Firm {
        self.register_for_push();
        let id = self.firm("Lumen Avocats").await;
        let body = json!({ "name": address, "access": "delegated", "app": null, "dates": true, "contacts": true });
        let connector = self.post(&format!("/v1/firms/{id}/connectors"), body).await.ok();
        let connector = connector["id"].as_str().expect("an id").to_owned();
        self.sign_in(&id, &connector, address).await.ok();
        Firm { id, connector }
    }

    /// A member of the firm with both switches on; her id.
    pub async fn pushed_member(&self, firm: &Firm, address: &str, target: &str) -> String {
        let push = json!({ "dates": true, "contacts": true, "target": target });
        self.member_with(firm, address, push).await
    }

    /// A member of the firm with these switches.
    pub async fn member_with(&self, firm: &Firm, address: &str, push: Value) -> String {
        if address != ADA && address.ends_with("@lumen.example") {
            self.tenant.add_user(address, address).expect("a user");
        }
        let body = json!({ "name": address, "address": address, "connector": firm.connector, "push": push });
        let member = self.post(&format!("/v1/firms/{}/members", firm.id), body).await.ok();
        self.run_until_idle().await;
        member["id"].as_str().expect("an id").to_owned()
    }

    /// Says a date or a contact, and lets all that follows happen.
    pub async fn say(&self, firm: &Firm, noun: &str, id: &str, body: Value) -> Value {
        let said = self.put(&format!("/v1/firms/{}/{noun}/{id}", firm.id), body).await.ok();
        self.run_until_idle().await;
        said
    }

    /// Deletes a date or a contact, and lets all that follows happen.
    pub async fn unsay(&self, firm: &Firm, noun: &str, id: &str) {
        self.delete(&format!("/v1/firms/{}/{noun}/{id}", firm.id)).await.ok();
        self.run_until_idle().await;
    }

    /// What the API says of a date or a contact.
    pub async fn said(&self, firm: &Firm, noun: &str, id: &str) -> Value {
        self.get(&format!("/v1/firms/{}/{noun}/{id}", firm.id)).await.ok()
    }

    /// The events of somebody's calendar.
    pub fn events(&self, address: &str) -> Vec<Value> {
        self.microsoft.event_items(address).expect("the calendar")
    }

    /// The contacts in the firm's folder of somebody's Outlook.
    pub fn contacts(&self, address: &str) -> Vec<Value> {
        contained(self.microsoft.contact_items(address).expect("the contacts"))
    }

    /// The tasks in the firm's list of somebody's To Do.
    pub fn tasks(&self, address: &str) -> Vec<Value> {
        contained(self.microsoft.task_items(address).expect("the tasks"))
    }
}

fn contained(containers: Vec<(String, Vec<Value>)>) -> Vec<Value> {
    containers.into_iter().filter(|(name, _)| name == "Lumen Avocats").flat_map(|(_, items)| items).collect()
}

/// One text of each item, in order.
pub fn texts(items: &[Value], property: &str) -> Vec<String> {
    let mut texts: Vec<String> =
        items.iter().map(|item| item[property].as_str().unwrap_or_default().to_owned()).collect();
    texts.sort();
    texts
}
