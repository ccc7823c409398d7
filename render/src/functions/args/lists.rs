//! Arguments that are lists of series.

use super::{Args, Outcome, describe};
use crate::query::{Stop, Value};
use crate::series::Series;

impl Args<'_, '_> {
    pub(in crate::functions) fn series(&mut self) -> Outcome {
        let name = self.signature.params.first().map_or("seriesList", |param| param.name);
        self.list(name)
    }

    pub(in crate::functions) fn list(&mut self, name: &str) -> Outcome {
        self.pulse().check()?;
        match self.take(name) {
            Some(Value::List(series)) => Ok(series),
            // Python finds no series in an empty text.
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            found => Err(self.wrong(name, "a series list", &describe(found.as_ref()))),
        }
    }

    pub(in crate::functions) fn optional_list(&mut self, name: &str) -> Result<Option<Vec<Series>>, Stop> {
        match self.take(name) {
            None | Some(Value::None) => Ok(None),
            Some(Value::List(series)) => Ok(Some(series)),
            found => Err(self.wrong(name, "a series list", &describe(found.as_ref()))),
        }
    }

    /// All lists of a parameter that repeats, end to end.
    pub(in crate::functions) fn joined(&mut self) -> Outcome {
        Ok(self.all_lists()?.into_iter().flatten().collect())
    }

    pub(in crate::functions) fn all_lists(&mut self) -> Result<Vec<Vec<Series>>, Stop> {
        let values = std::mem::take(&mut self.values);
        let mut lists = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Some(Value::List(series)) => lists.push(series),
                Some(Value::Text(text)) if text.is_empty() => lists.push(Vec::new()),
                other => {
                    let place = self.place_of(index);
                    return Err(self.wrong_at("seriesLists", "a series list", &describe(other.as_ref()), place));
                }
            }
        }
        Ok(lists)
    }

    pub(in crate::functions) fn lists(&mut self, name: &str) -> Result<Vec<Vec<Series>>, Stop> {
        match self.take(name) {
            Some(Value::Lists(lists)) => Ok(lists),
            Some(Value::List(series)) if series.is_empty() => Ok(Vec::new()),
            found => Err(self.wrong(name, "lists of series, as mapSeries() gives", &describe(found.as_ref()))),
        }
    }
}
