//! Looks that a request can choose with `template=`: the ones graphite-web ships, modern ones, and those of a file.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::color::Color;

/// A named set of colours, with letters.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What `template=` calls it.
    pub name: Cow<'static, str>,
    /// Behind everything.
    pub background: Color,
    /// Text and axes.
    pub foreground: Color,
    /// Lines at labelled values.
    pub major: Color,
    /// Lines between them.
    pub minor: Color,
    /// Series colours in order; continued with generated ones.
    pub colors: Cow<'static, [Color]>,
    /// `fontSize`, if it has one of its own.
    pub font_size: Option<f64>,
    /// Bold letters.
    pub font_bold: bool,
    /// Slanted letters.
    pub font_italic: bool,
}

const fn list<const N: usize>(hex: [u32; N]) -> [Color; N] {
    let mut colors = [Color::rgb(0); N];
    let mut index = 0;
    while index < N {
        colors[index] = Color::rgb(hex[index]);
        index += 1;
    }
    colors
}

const fn veil(hex: u32, alpha: u8) -> Color {
    Color { a: alpha, ..Color::rgb(hex) }
}

/// graphite-web's order (blue green red purple brown yellow aqua grey magenta pink gold rose), in shades that can be
/// told apart on white.
const ON_LIGHT: [Color; 12] = list([
    0x3d6fe8, 0x1d9e48, 0xd11d48, 0x9a4fe0, 0x96602c, 0xcc9200, 0x0a9a9a, 0x8a8f98, 0xd622c8, 0xff6b5e, 0x9a9a00,
    0xb77fb4,
]);

/// The same order for dark grounds.
const ON_DARK: [Color; 12] = list([
    0x6f9bff, 0x4cc26a, 0xf2566f, 0xbd8cff, 0xc08d56, 0xffd23f, 0x2fc4c0, 0xb0b5bd, 0xf062e6, 0xff9484, 0xc9c944,
    0xd6a6d3,
]);

/// graphite-web's own shades.
const REFERENCE: [Color; 12] = list([
    0x6464ff, 0x00c800, 0xc80032, 0xc864ff, 0x966432, 0xffff00, 0x009696, 0xafafaf, 0xff00ff, 0xff6464, 0xc8c800,
    0xc896c8,
]);

/// graphite-web's `noc` puts yellow fourth.
const NOC: [Color; 12] = list([
    0x6464ff, 0x00c800, 0xc80032, 0xffff00, 0xc864ff, 0x966432, 0x009696, 0xafafaf, 0xff00ff, 0xff6464, 0xc8c800,
    0xc896c8,
]);

const GRAFANA: [Color; 14] = list([
    0x7eb26d, 0xeab839, 0x6ed0e0, 0xef843c, 0xe24d42, 0x1f78c1, 0xba43a9, 0x705da0, 0x508642, 0xcca300, 0x447ebc,
    0xc15c17, 0x890f02, 0x0a437c,
]);

/// Grafana's palette without its darkest shades, which vanish on a dark panel.
const GRAFANA_DARK: [Color; 14] = list([
    0x7eb26d, 0xeab839, 0x6ed0e0, 0xef843c, 0xe24d42, 0x3a93dc, 0xcb5aba, 0x9480c4, 0x5fa04e, 0xe0b400, 0x5e98d8,
    0xe0752d, 0xd44a3a, 0x82b5d8,
]);

const SOLARIZED: [Color; 8] = [
    veil(0x268bd2, 0xdd),
    veil(0x859900, 0xdd),
    veil(0xdc322f, 0xdd),
    veil(0xd33682, 0xdd),
    veil(0xdb4b16, 0xdd),
    veil(0xb58900, 0xdd),
    veil(0x2aa198, 0xdd),
    veil(0x6c71c4, 0xdd),
];

const SUMMARY: [Color; 3] = list([0x6666ff, 0x66ff66, 0xff6666]);

const ALPHAS: [Color; 3] = [veil(0x00ff00, 0xaa), veil(0xff0000, 0x77), veil(0x003377, 0x99)];

/// Ramps from light to dark, and the other way round under the name that ends in 2.
const RAMPS: [(&str, &str, &[Color]); 5] = [
    (
        "ocean1",
        "ocean2",
        &list([0xf7fcf0, 0xe0f3db, 0xccebc5, 0xa8ddb5, 0x7bccc4, 0x4eb3d3, 0x2b8cbe, 0x0868ac, 0x084081]),
    ),
    ("forest1", "forest2", &list([0xf7fcf5, 0xe5f5e0, 0xc7e9c0, 0xa1d99b, 0x74c476, 0x41ab5d, 0x238b45, 0x005a32])),
    ("sunset1", "sunset2", &list([0xfff5eb, 0xfee6ce, 0xfdd0a2, 0xfdae6b, 0xfd8d3c, 0xf16913, 0xd94801, 0x8c2d04])),
    (
        "moonlight1",
        "moonlight2",
        &list([0xfcfbfd, 0xefedf5, 0xdadaeb, 0xbcbddc, 0x9e9ac8, 0x807dba, 0x6a51a3, 0x4a1486]),
    ),
    ("lava1", "lava2", &list([0xfff5f0, 0xfee0d2, 0xfcbba1, 0xfc9272, 0xfb6a4a, 0xef3b2c, 0xcb181d, 0x99000d])),
];

/// The templates inside the binary; the first is the one for unknown names, as in the reference.
static BUILT_IN: LazyLock<Vec<Arc<Template>>> = LazyLock::new(|| {
    let ramps = RAMPS.iter().flat_map(|(rising, falling, colors)| {
        let reversed: Vec<Color> = colors.iter().rev().copied().collect();
        [on_white(rising, colors), Template { colors: reversed.into(), ..on_white(falling, &[]) }]
    });
    [
        on_white("default", &ON_LIGHT),
        on_white("light", &ON_LIGHT),
        on_white("grafana", &GRAFANA),
        with("dark", 0x16181d, (0xd8dae0, 34, 15), 0xd8dae0, &ON_DARK),
        with("grafana-dark", 0x181b1f, (0xccccdc, 34, 14), 0xccccdc, &GRAFANA_DARK),
        with("solarized-light", 0xfdf6e3, (0x073642, 46, 20), 0x4a5e66, &SOLARIZED),
        with("solarized-dark", 0x002b36, (0xfdf6e3, 40, 18), 0x93a1a1, &SOLARIZED),
        on_black("classic", &REFERENCE),
        on_black("noc", &NOC),
        on_black("summary", &SUMMARY),
        with("plain", 0xffffff, (0x000000, 44, 20), 0x000000, &REFERENCE),
        on_white("alphas", &ALPHAS),
    ]
    .into_iter()
    .chain(ramps)
    .map(Arc::new)
    .collect()
});

fn with(
    name: &'static str,
    background: u32,
    (grid, major, minor): (u32, u8, u8),
    foreground: u32,
    colors: &'static [Color],
) -> Template {
    Template {
        name: name.into(),
        background: Color::rgb(background),
        foreground: Color::rgb(foreground),
        major: veil(grid, major),
        minor: veil(grid, minor),
        colors: colors.into(),
        font_size: None,
        font_bold: false,
        font_italic: false,
    }
}

/// Dark text on white and a quiet grid.
fn on_white(name: &'static str, colors: &'static [Color]) -> Template {
    with(name, 0xffffff, (0x1f2329, 40, 17), 0x1f2329, colors)
}

fn on_black(name: &'static str, colors: &'static [Color]) -> Template {
    with(name, 0x000000, (0xffffff, 52, 24), 0xf2f2f2, colors)
}

/// What `template=` can choose from: those of a file first, then those inside the binary.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    own: Vec<Arc<Template>>,
}

impl Templates {
    /// Reads sections as graphite-web's `graphTemplates.conf` has them. What a section leaves out is as in `[default]` of
    /// the same text, or as in ours.
    ///
    /// # Errors
    /// Names the line that is no section, comment or `key = value`, and a value that is no colour or number.
    pub fn read(text: &str) -> Result<Templates, String> {
        let sections = sections(text)?;
        let base = sections.iter().find(|section| section.name == "default");
        let base =
            base.map_or(Ok(built_in("default").as_ref().clone()), |section| section.over(built_in("default")))?;
        let own = sections.iter().map(|section| section.over(&base).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Templates { own })
    }

    /// The template of this name; an unknown name gives the default one, as graphite-web does.
    pub fn named(&self, name: &str) -> Arc<Template> {
        let own = |name: &str| self.own.iter().find(|template| template.name == name);
        let built = || BUILT_IN.iter().find(|template| template.name == name);
        own(name).or_else(built).or_else(|| own("default")).unwrap_or(&BUILT_IN[0]).clone()
    }
}

fn built_in(name: &str) -> &'static Arc<Template> {
    BUILT_IN.iter().find(|template| template.name == name).unwrap_or(&BUILT_IN[0])
}

impl Template {
    /// The one inside the binary of this name, else the default one.
    pub fn named(name: &str) -> Arc<Template> {
        built_in(name).clone()
    }

    /// Names of the templates inside the binary.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|template| template.name.as_ref())
    }
}

/// `[name]` and what follows it, with the numbers of its lines.
struct Section<'a> {
    name: &'a str,
    entries: Vec<(usize, &'a str, &'a str)>,
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(Section { name: name.trim(), entries: Vec::new() });
            continue;
        }
        let entry = line.split_once(['=', ':']);
        match (sections.last_mut(), entry) {
            (Some(section), Some((key, value))) => section.entries.push((number, key.trim(), value.trim())),
            _ => return Err(format!("line {number}: expected [section] or key = value, found {line:?}")),
        }
    }
    Ok(sections)
}

impl Section<'_> {
    fn over(&self, base: &Template) -> Result<Template, String> {
        let mut template = Template { name: self.name.to_owned().into(), ..base.clone() };
        for (line, key, value) in &self.entries {
            let wrong = |expected: &str| format!("line {line}: {key} must be {expected}, not {value:?}");
            let color = |text: &str| Color::parse(text).ok_or_else(|| wrong("a colour"));
            let flag = || ["true", "yes", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
            match key.to_ascii_lowercase().as_str() {
                "background" => template.background = color(value)?,
                "foreground" => template.foreground = color(value)?,
                "majorline" => template.major = color(value)?,
                "minorline" => template.minor = color(value)?,
                "linecolors" => {
                    let listed = value.split(',').map(str::trim).filter(|item| !item.is_empty());
                    template.colors = listed.map(color).collect::<Result<Vec<_>, _>>()?.into();
                }
                "fontsize" => {
                    let size = value.parse().ok().filter(|size: &f64| (1.0..=96.0).contains(size));
                    template.font_size = Some(size.ok_or_else(|| wrong("a number from 1 to 96"))?);
                }
                "fontbold" => template.font_bold = flag(),
                "fontitalic" => template.font_italic = flag(),
                // There is one font, and what newer versions add is no fault.
                _ => {}
            }
        }
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Look;
    use super::super::options::Options;
    use super::*;

    /// Contrasts with the ground, as WCAG has them: of letters as they are written, of major and of minor lines.
    fn contrasts(template: &Template) -> [f64; 3] {
        let letters = Look::new(&Options { template: Arc::new(template.clone()), ..Options::default() }).letters();
        let ground = template.background;
        [letters.color, template.major, template.minor].map(|color| contrast(color.over(ground), ground))
    }

    #[test]
    fn letters_of_every_template_reach_wcag_aa_and_its_grid_is_there_but_quiet() {
        for template in BUILT_IN.iter() {
            let [letters, major, minor] = contrasts(template);
            assert!(letters >= 4.5, "{}: letters {letters:.2}", template.name);
            assert!((1.25..1.75).contains(&major), "{}: major lines {major:.2}", template.name);
            assert!((1.1..1.25).contains(&minor) && minor < major, "{}: minor lines {minor:.2}", template.name);
        }
    }

    #[test]
    fn light_and_dark_differ_little_in_contrast() {
        let named = |name: &str| contrasts(built_in(name));
        for (light, dark) in named("light").into_iter().zip(named("dark")) {
            assert!((light / dark - 1.0).abs() < 0.1, "{light:.2} {dark:.2}");
        }
        // Lines need less than letters.
        for template in [built_in("light"), built_in("dark"), built_in("grafana-dark")] {
            for color in template.colors.iter() {
                let ratio = contrast(*color, template.background);
                assert!(ratio > 2.7, "{}: {color:?} {ratio:.2}", template.name);
            }
        }
    }

    #[test]
    fn an_unknown_template_is_the_default() {
        assert_eq!(Template::named("nosuch").name, "default");
        assert_eq!(Template::named("grafana-dark").name, "grafana-dark");
    }

    #[test]
    fn a_file_adds_templates_and_changes_the_default() {
        let text = "# ours\n[default]\nforeground = #102030\n\n[night]\nbackground=black\nlineColors = red, 00ff0080\nfontBold = True\n";
        let templates = Templates::read(text).unwrap();
        let night = templates.named("night");
        assert_eq!((night.background, night.foreground), (Color::rgb(0), Color::rgb(0x102030)));
        assert_eq!((night.colors.len(), night.font_bold, night.font_size), (2, true, None));
        assert_eq!(templates.named("nosuch").foreground, Color::rgb(0x102030));
        assert_eq!(templates.named("ocean2").colors[0], Color::rgb(0x084081));
    }

    #[test]
    fn a_fault_in_a_file_names_its_line() {
        let fault = |text: &str| Templates::read(text).unwrap_err();
        assert_eq!(fault("[a]\nbackground = puce\n"), r#"line 2: background must be a colour, not "puce""#);
        assert!(fault("background = white").starts_with("line 1: expected [section]"));
        assert!(fault("[a]\nfontSize = 1e9").starts_with("line 2: fontSize must be a number from 1 to 96"));
    }

    fn contrast(a: Color, b: Color) -> f64 {
        let (light, dark) = (luminance(a).max(luminance(b)), luminance(a).min(luminance(b)));
        (light + 0.05) / (dark + 0.05)
    }

    fn luminance(color: Color) -> f64 {
        let channel = |value: u8| {
            let v = f64::from(value) / 255.0;
            if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(color.r) + 0.7152 * channel(color.g) + 0.0722 * channel(color.b)
    }
}
