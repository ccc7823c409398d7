//! What `rrdtool dump` prints: the XML form of a round robin database.
//!
//! Only what a Whisper file needs is read: the step, the time of the last update, the names of the data sources, and of
//! each archive its consolidation, its resolution and its rows. A row at time `t` covers the seconds before `t`; in
//! Whisper a slot is named by its begin, so it becomes the slot at `t - resolution`.

/// A dump, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Rrd {
    /// Seconds between primary points.
    pub(super) step: u64,
    /// Names of the data sources, in the order of the values of a row.
    pub(super) sources: Vec<String>,
    pub(super) archives: Vec<RrdArchive>,
}

#[derive(Debug, PartialEq)]
pub(super) struct RrdArchive {
    /// AVERAGE, MIN, MAX, LAST, or a forecast's name.
    pub(super) consolidation: String,
    /// Primary points in one row.
    pub(super) per_row: u64,
    pub(super) x_files_factor: f64,
    /// Begin of the slot of each row, oldest first, and its values.
    pub(super) rows: Vec<(i64, Vec<f64>)>,
}

/// Reads a dump.
///
/// # Errors
/// Says which element is missing or not a number.
pub(super) fn parse(text: &str) -> Result<Rrd, String> {
    let mut elements = Elements { rest: text };
    let (mut step, mut last_update, mut sources, mut archives) = (None, None, Vec::new(), Vec::new());
    while let Some((name, content)) = elements.next() {
        match name {
            // The outermost element is entered, not taken.
            "rrd" => elements = Elements { rest: content },
            "step" => step = Some(number::<u64>(name, content)?).filter(|step| *step > 0),
            "lastupdate" => last_update = Some(number::<i64>(name, content)?),
            "ds" => sources.push(child(content, "name")?.trim().to_owned()),
            "rra" => {
                let step = step.ok_or("the dump has no <step> before its first <rra>, or a step of 0")?;
                let last_update = last_update.ok_or("the dump has no <lastupdate> before its first <rra>")?;
                archives.push(archive(content, step, last_update, sources.len())?);
            }
            _ => {}
        }
    }
    let step = step.ok_or("the dump has no <step>; is it the output of `rrdtool dump`?")?;
    if sources.is_empty() || archives.is_empty() {
        return Err("the dump has no <ds> or no <rra>; is it the output of `rrdtool dump`?".into());
    }
    Ok(Rrd { step, sources, archives })
}

fn archive(text: &str, step: u64, last_update: i64, sources: usize) -> Result<RrdArchive, String> {
    let per_row = number::<u64>("pdp_per_row", child(text, "pdp_per_row")?)?;
    // Old versions have the factor beside the parameters, new ones among them.
    let factor = child(text, "params").and_then(|params| child(params, "xff")).or_else(|_| child(text, "xff"))?;
    let resolution = per_row.checked_mul(step).and_then(|secs| i64::try_from(secs).ok()).filter(|secs| *secs > 0);
    let resolution = resolution.ok_or_else(|| format!("an archive has {per_row} points per row"))?;
    let mut rows = Vec::new();
    let mut elements = Elements { rest: child(text, "database")? };
    while let Some((name, content)) = elements.next() {
        if name == "row" {
            rows.push(row(content, sources)?);
        }
    }
    // The rows are in order and the last one ends with the last whole stretch before the last update.
    let end = last_update - last_update.rem_euclid(resolution);
    let begin = end - rows.len() as i64 * resolution;
    let times = (0..).map(|index| begin + index * resolution);
    Ok(RrdArchive {
        consolidation: child(text, "cf")?.trim().to_owned(),
        per_row,
        x_files_factor: number("xff", factor)?,
        rows: times.zip(rows).collect(),
    })
}

fn row(text: &str, sources: usize) -> Result<Vec<f64>, String> {
    let mut values = Vec::with_capacity(sources);
    let mut elements = Elements { rest: text };
    while let Some((name, content)) = elements.next() {
        if name == "v" {
            values.push(number(name, content)?);
        }
    }
    if values.len() != sources {
        return Err(format!("a row has {} values, there are {sources} data sources", values.len()));
    }
    Ok(values)
}

fn number<T: std::str::FromStr>(name: &str, content: &str) -> Result<T, String> {
    // A comment may follow the number within its element.
    let text = content.split('<').next().unwrap_or_default().trim();
    text.parse().map_err(|_| format!("<{name}> holds `{text}`, which is no number"))
}

fn child<'a>(text: &'a str, wanted: &str) -> Result<&'a str, String> {
    let mut elements = Elements { rest: text };
    while let Some((name, content)) = elements.next() {
        if name == wanted {
            return Ok(content);
        }
    }
    Err(format!("an element <{wanted}> is missing"))
}

/// The elements of one level, each with everything inside. Comments and declarations are passed over; an element that is
/// not closed reaches to the end.
struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        loop {
            let open = self.rest.find('<')?;
            let tag = &self.rest[open + 1..];
            if let Some(comment) = tag.strip_prefix("!--") {
                self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            let (head, rest) = tag.split_once('>')?;
            if head.starts_with(['?', '!', '/']) || head.ends_with('/') {
                self.rest = rest;
                continue;
            }
            let name = head.split_ascii_whitespace().next().unwrap_or_default();
            let (content, rest) = close(rest, name);
            self.rest = rest;
            return Some((name, content));
        }
    }
}

/// What stands before the end tag, and what comes after it. An element holds none of its own name in a dump, except `ds`
/// within `rra`, which is looked for only inside of `rra`.
fn close<'a>(text: &'a str, name: &str) -> (&'a str, &'a str) {
    let mut from = 0;
    while let Some(found) = text[from..].find("</") {
        let at = from + found;
        let after = &text[at + 2..];
        if let Some(rest) = after.strip_prefix(name)
            && let Some(rest) = rest.trim_start().strip_prefix('>')
        {
            return (&text[..at], rest);
        }
        from = at + 2;
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<!DOCTYPE rrd SYSTEM \"https://oss.oetiker.ch/rrdtool/rrdtool.dtd\">
<!-- Round Robin Database Dump -->
<rrd>
	<version>0003</version>
	<step>300</step> <!-- Seconds -->
	<lastupdate>920805700</lastupdate> <!-- 1999-03-07 11:21:40 UTC -->
	<ds><name> speed </name><type> GAUGE </type></ds>
	<!-- Round Robin Archives -->
	<rra>
		<cf>AVERAGE</cf>
		<pdp_per_row>1</pdp_per_row> <!-- 300 seconds -->
		<params><xff>5.0000000000e-01</xff></params>
		<cdp_prep><ds><value>NaN</value></ds></cdp_prep>
		<database>
			<!-- 1999-03-07 11:10:00 UTC / 920805000 --> <row><v>NaN</v></row>
			<!-- 1999-03-07 11:15:00 UTC / 920805300 --> <row><v>4.0e-02</v></row>
			<!-- 1999-03-07 11:20:00 UTC / 920805600 --> <row><v>2.0e-02</v></row>
		</database>
	</rra>
</rrd>";

    #[test]
    fn a_row_becomes_the_slot_that_begins_one_resolution_before_it() {
        let rrd = parse(DUMP).unwrap();
        assert_eq!((rrd.step, &rrd.sources[..]), (300, &["speed".to_owned()][..]));
        let [archive] = &rrd.archives[..] else { panic!("one archive") };
        assert_eq!((archive.consolidation.as_str(), archive.per_row, archive.x_files_factor), ("AVERAGE", 1, 0.5));
        assert_eq!(archive.rows[2], (920_805_300, vec![0.02]));
        assert!(archive.rows[0].1[0].is_nan());
    }

    #[test]
    fn every_beginning_of_a_dump_is_refused_or_read_without_a_panic() {
        for end in 0..DUMP.len() {
            let _ = parse(&DUMP[..end]);
        }
        assert!(parse("<rrd><step>0</step></rrd>").is_err());
        assert!(parse("hello").unwrap_err().contains("rrdtool dump"));
    }
}
