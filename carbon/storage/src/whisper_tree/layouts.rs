//! Headers that many series share, and what new files begin with: a tree has a handful of layouts and millions of files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use whisper::{CreateOptions, Header, Kept, Template};

/// More layouts than any set of rules has. Of a tree with still more headers, each further file has its own.
const MOST: usize = 256;

/// The layouts met so far.
#[derive(Debug, Default)]
pub(super) struct Layouts(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    headers: Vec<Arc<Header>>,
    templates: Vec<(CreateOptions, Arc<Template>)>,
}

impl Layouts {
    /// Replaces the header by the equal one of another series, if there is one.
    pub(super) fn share(&self, kept: &mut Kept) {
        let mut met = self.met();
        if !met.headers.iter().any(|header| kept.share(header)) && met.headers.len() < MOST {
            met.headers.push(Arc::clone(kept.header()));
        }
    }

    /// What files with these options begin with.
    pub(super) fn template(&self, options: CreateOptions) -> Arc<Template> {
        let mut met = self.met();
        if let Some((_, template)) = met.templates.iter().find(|(known, _)| *known == options) {
            return Arc::clone(template);
        }
        let template = Arc::new(Template::new(&options));
        if met.templates.len() == MOST {
            // The rules have changed again and again; those in force are made anew.
            met.templates.clear();
        }
        met.templates.push((options, Arc::clone(&template)));
        template
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        // Neither a push nor a clear can leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_made_once_and_another_for_other_options() {
        let layouts = Layouts::default();
        let of = |retentions: &str| layouts.template(CreateOptions::new(retentions.parse().unwrap()));
        let (first, other) = (of("60s:1d"), of("60s:2d"));
        assert!(Arc::ptr_eq(&first, &of("60s:1d")) && !Arc::ptr_eq(&first, &other));
        (0..2 * MOST).for_each(|day| _ = of(&format!("60s:{}d", day + 3)));
        assert!(Arc::ptr_eq(&of("60s:9999h"), &of("60s:9999h")), "of rules that came later, too");
    }
}
