//! Works through mailboxes: discover, decide, archive, announce, mark
