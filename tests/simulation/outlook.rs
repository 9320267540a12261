//! A mailbox as the people see who work in it, and what a story knows of each mail that greffe has to find out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use microsoft365::{Held, Mail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::{ADA, World};

use crate::dice::Dice;

/// Folders that everybody has.
const INBOX: &str = "inbox";
const SENT: &str = "sentitems";
const DELETED: &str = "deleteditems";
const TOP: &str = "msgfolderroot";
/// So long the archive may take to notice that a folder was moved.
const NOTICED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// So many folders people make at most.
const MADE_MAX: usize = 7;

/// What the story knows of a mail.
pub struct Tale {
    pub sha256: String,
    pub received: Timestamp,
    /// Arrived after the activation.
    pub new: bool,
    /// Lay in a chosen folder, older than the activation, when the first round ran.
    pub lay_there: bool,
    /// Was moved at least once, by itself or with its folder.
    pub moved: bool,
    /// Was ever in a chosen folder, or in one that had just been.
    pub was_chosen: bool,
    /// Not sent yet.
    pub draft: bool,
    /// The person's own categories.
    pub own: BTreeSet<String>,
    /// The dossier that the business application filed it to.
    pub dossier: Option<&'static str>,
    /// Somebody tried to file it.
    pub filed: bool,
}

/// Which folders the firm chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    /// Inbox and Sent Items.
    Named,
    /// All but one at the top, and those that are never read.
    AllButPrivate,
}

/// Ada's mailbox.
pub struct Outlook {
    pub tales: BTreeMap<String, Tale>,
    chosen: Chosen,
    /// Which folder each folder lies in, by id or well-known name.
    parents: BTreeMap<String, String>,
    private: String,
    /// Those that people move about.
    made: Vec<String>,
    /// Until when a folder was kept that is not any more.
    left: BTreeMap<String, Timestamp>,
}

impl Outlook {
    /// A mailbox with some folders, of which the firm will choose two or nearly all.
    pub fn new(dice: &mut Dice, world: &World) -> Self {
        let chosen = dice.pick(&[Chosen::Named, Chosen::AllButPrivate, Chosen::AllButPrivate]);
        let parents = [INBOX, SENT, DELETED].map(|name| (name.to_owned(), TOP.to_owned())).into();
        let (tales, left, private, made) = (BTreeMap::new(), BTreeMap::new(), String::new(), Vec::new());
        let mut outlook = Self { tales, chosen, parents, private, made, left };
        outlook.private = outlook.create(world, TOP, "Private");
        let clients = outlook.create(world, TOP, "Clients");
        let acme = outlook.create(world, &clients, "Acme");
        // Its mail lay there, but nobody chose it.
        let private = outlook.private.clone();
        let hidden = outlook.create(world, &private, "Hidden");
        outlook.made = vec![clients, acme, hidden];
        outlook
    }

    /// The selection as the API takes it.
    pub fn selection(&self) -> Value {
        match self.chosen {
            Chosen::Named => json!({ "mode": "include", "folders": [INBOX, SENT] }),
            Chosen::AllButPrivate => json!({ "mode": "exclude", "folders": [self.private] }),
        }
    }

    /// Whether a folder's mail is to be kept, where it lies now.
    pub fn keeps(&self, folder: &str) -> bool {
        match self.chosen {
            Chosen::Named => [INBOX, SENT].contains(&folder),
            Chosen::AllButPrivate => !self.is_within(folder, DELETED) && !self.is_within(folder, &self.private),
        }
    }

    /// Whether mail that is there now may be kept: where the folder was moved away just now nobody need know of it yet.
    fn may_keep(&self, folder: &str, now: Timestamp) -> bool {
        self.keeps(folder) || self.left.get(folder).is_some_and(|left| *left + NOTICED_WITHIN >= now)
    }

    /// The folder of a mail as the story names it.
    pub fn folder_of(held: &Held) -> &str {
        held.well_known.as_deref().unwrap_or(&held.folder)
    }

    fn is_within(&self, folder: &str, above: &str) -> bool {
        std::iter::successors(Some(folder), |folder| self.parents.get(*folder).map(String::as_str)).any(|f| f == above)
    }

    fn create(&mut self, world: &World, parent: &str, name: &str) -> String {
        let folder = world.microsoft.create_folder(ADA, parent, name).unwrap();
        self.parents.insert(folder.clone(), parent.to_owned());
        folder
    }

    /// A mail of the year before the activation.
    pub fn deliver_old(&mut self, dice: &mut Dice, world: &World, n: usize) {
        let received = world.clock.now() - Duration::from_secs(86_400 * (1 + dice.below(300) as u64));
        self.deliver(dice, world, n, received, false);
    }

    /// A mail arrives.
    pub fn deliver_new(&mut self, dice: &mut Dice, world: &World, n: usize) {
        self.deliver(dice, world, n, world.clock.now(), true);
    }

    /// A mail arrives in that folder; its id.
    pub fn deliver_to(&mut self, world: &World, n: usize, folder: &str) -> String {
        self.put(world, n, (folder, false), world.clock.now(), true)
    }

    /// The folders whose mail is to be kept: always Inbox and Sent Items.
    pub fn kept_folders(&self) -> Vec<String> {
        self.parents.keys().filter(|folder| self.keeps(folder)).cloned().collect()
    }

    /// A folder of any kind.
    pub fn some_folder(&self, dice: &mut Dice) -> String {
        let folders: Vec<String> = self.parents.keys().cloned().collect();
        dice.pick(&folders)
    }

    fn deliver(&mut self, dice: &mut Dice, world: &World, n: usize, received: Timestamp, new: bool) {
        let (folder, draft) = (self.some_folder(dice), dice.once_in(8));
        self.put(world, n, (&folder, draft), received, new);
    }

    fn put(
        &mut self,
        world: &World,
        n: usize,
        (folder, draft): (&str, bool),
        received: Timestamp,
        new: bool,
    ) -> String {
        let mime = format!(
            "From: a@acme.example\r\nSubject: {n} {new}\r\n\r\nMail {n}, {received}.\r\n{}",
            "x".repeat(n * 37)
        );
        let chosen = self.keeps(folder);
        let tale = Tale {
            sha256: hex::encode(Sha256::digest(&mime)),
            received,
            new,
            lay_there: chosen && !new,
            moved: false,
            was_chosen: self.may_keep(folder, world.clock.now()),
            draft,
            own: BTreeSet::new(),
            dossier: None,
            filed: false,
        };
        let mail = Mail { is_draft: draft, ..Mail::new(mime, received) };
        let id = world.microsoft.deliver(ADA, folder, mail).unwrap().immutable_id;
        self.tales.insert(id.clone(), tale);
        id
    }

    /// What a person does.
    pub fn work(&mut self, dice: &mut Dice, world: &World) {
        match dice.below(6) {
            0 => self.move_folder(dice, world),
            1 if self.made.len() < MADE_MAX => {
                let parent = self.some_folder(dice);
                let folder = self.create(world, &parent, &format!("Made {}", self.made.len()));
                self.made.push(folder);
            }
            1 => world.microsoft.rename_folder(ADA, &dice.pick(&self.made), &format!("{}", dice.below(99))).unwrap(),
            _ => self.handle_mail(dice, world),
        }
    }

    fn handle_mail(&mut self, dice: &mut Dice, world: &World) {
        let microsoft = &world.microsoft;
        let held = microsoft.messages(ADA).unwrap();
        if held.is_empty() {
            return;
        }
        let mail = dice.pick(&held);
        let id = mail.immutable_id.as_str();
        match dice.below(8) {
            0..=3 => {
                let folder = self.some_folder(dice);
                microsoft.move_message(ADA, id, &folder).unwrap();
                let kept = self.may_keep(&folder, world.clock.now());
                let tale = self.tales.get_mut(id).unwrap();
                (tale.moved, tale.was_chosen) = (true, tale.was_chosen || kept);
            }
            _ if self.tales[id].draft => {
                microsoft.send_draft(ADA, id).unwrap();
                microsoft.move_message(ADA, id, SENT).unwrap();
                let tale = self.tales.get_mut(id).unwrap();
                (tale.draft, tale.new, tale.received) = (false, true, world.clock.now());
                (tale.moved, tale.was_chosen) = (true, true);
            }
            4 => microsoft.delete_message(ADA, id).unwrap(),
            5 => microsoft.set_read(ADA, id, dice.once_in(2)).unwrap(),
            _ => {
                let own = dice.pick(&["Urgent", "Client X", "Später"]);
                if !mail.categories.iter().any(|c| c == own) {
                    let all: Vec<&str> = mail.categories.iter().map(String::as_str).chain([own]).collect();
                    microsoft.set_categories(ADA, id, &all).unwrap();
                    self.tales.get_mut(id).unwrap().own.insert(own.to_owned());
                }
            }
        }
    }

    /// A folder is moved with all that is in it and below it, perhaps to the deleted items.
    fn move_folder(&mut self, dice: &mut Dice, world: &World) {
        let folder = dice.pick(&self.made);
        let mut parents: Vec<String> = [TOP, DELETED].map(str::to_owned).to_vec();
        parents.extend(self.parents.keys().filter(|parent| !self.is_within(parent, &folder)).cloned());
        let parent = dice.pick(&parents);
        world.microsoft.move_folder(ADA, &folder, &parent).unwrap();
        let kept = self.parents.keys().filter(|other| self.is_within(other, &folder) && self.keeps(other)).cloned();
        let kept: Vec<String> = kept.collect();
        self.left.extend(kept.into_iter().map(|folder| (folder, world.clock.now())));
        self.parents.insert(folder.clone(), parent);
        for held in world.microsoft.messages(ADA).unwrap() {
            let of = Self::folder_of(&held);
            if self.is_within(of, &folder) {
                let kept = self.keeps(of);
                let tale = self.tales.get_mut(&held.immutable_id).unwrap();
                (tale.moved, tale.was_chosen) = (true, tale.was_chosen || kept);
            }
        }
    }
}
