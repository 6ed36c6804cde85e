//! What a document is made of: a presentity, and those who watch it.

use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::ground::time::Wall;
use crate::wire::doc::winfo::Entry;

/// What a document is made of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Whom the document is about.
    pub presentity: &'a Presentity,
    /// Who watches it. Of use in packages that [tell of watchers](super::Package::watchers_of) only.
    pub audience: &'a dyn Audience,
    /// For whose eyes it is.
    pub view: View,
    /// What is said in place of all notes, where the view wants that.
    pub note: Option<&'a str>,
    /// The document is not older than this.
    pub since: Wall,
}

/// Those who watch a presentity in one package, as the notifier knows them (RFC 3857).
pub trait Audience {
    /// Shows all of them: those first about whom the owner has to decide, then the newest.
    fn all(&self, each: &mut dyn FnMut(&Entry<'_>));

    /// Shows those that came, changed or ended after a revision of the audience, each as it is now. `false` if some
    /// that ended are forgotten.
    fn since(&self, revision: u32, each: &mut dyn FnMut(&Entry<'_>)) -> bool;
}

/// Nobody.
impl Audience for () {
    fn all(&self, _: &mut dyn FnMut(&Entry<'_>)) {}

    fn since(&self, _: u32, _: &mut dyn FnMut(&Entry<'_>)) -> bool {
        true
    }
}

impl<'a> Scene<'a> {
    /// A presentity that nobody watches, as it is.
    pub const fn alone(presentity: &'a Presentity) -> Scene<'a> {
        Scene {
            presentity,
            audience: &(),
            view: View::FULL,
            note: None,
            since: Wall::UNSET,
        }
    }
}
