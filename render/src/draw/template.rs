//! Looks that a request can choose with `template=`: the ones graphite-web ships, and two modern ones.

use super::color::Color;

/// A named set of colours.
#[derive(Debug, PartialEq)]
pub struct Template {
    /// What `template=` calls it.
    pub name: &'static str,
    /// Behind everything.
    pub background: Color,
    /// Text and axes.
    pub foreground: Color,
    /// Lines at labelled values.
    pub major: Color,
    /// Lines between them.
    pub minor: Color,
    /// Series colours in order; continued with generated ones.
    pub colors: &'static [Color],
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
    0x3d6fe8, 0x1d9e48, 0xd11d48, 0x9a4fe0, 0x96602c, 0xe8a800, 0x0a9a9a, 0x8a8f98, 0xd622c8, 0xff6b5e, 0x9a9a00,
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

/// All templates; the first is the one for unknown names, as in the reference.
const TEMPLATES: &[Template] = &[
    Template::DEFAULT,
    light("light", &ON_LIGHT),
    light("grafana", &GRAFANA),
    Template {
        name: "dark",
        background: Color::rgb(0x16181d),
        foreground: Color::rgb(0xd8dae0),
        major: veil(0xd8dae0, 40),
        minor: veil(0xd8dae0, 18),
        colors: &ON_DARK,
    },
    Template {
        name: "grafana-dark",
        background: Color::rgb(0x181b1f),
        foreground: Color::rgb(0xccccdc),
        major: veil(0xccccdc, 34),
        minor: veil(0xccccdc, 14),
        colors: &GRAFANA_DARK,
    },
    Template {
        name: "solarized-light",
        background: Color::rgb(0xfdf6e3),
        foreground: Color::rgb(0x566b73),
        major: veil(0x073642, 46),
        minor: veil(0x073642, 20),
        colors: &SOLARIZED,
    },
    Template {
        name: "solarized-dark",
        background: Color::rgb(0x002b36),
        foreground: Color::rgb(0x93a1a1),
        major: veil(0xfdf6e3, 40),
        minor: veil(0xfdf6e3, 18),
        colors: &SOLARIZED,
    },
    black("classic", &REFERENCE),
    black("noc", &NOC),
    black("summary", &SUMMARY),
    Template {
        name: "plain",
        background: Color::rgb(0xffffff),
        foreground: Color::rgb(0x000000),
        major: veil(0x000000, 44),
        minor: veil(0x000000, 20),
        colors: &REFERENCE,
    },
    light("alphas", &ALPHAS),
];

const fn light(name: &'static str, colors: &'static [Color]) -> Template {
    Template { name, colors, ..Template::DEFAULT }
}

const fn black(name: &'static str, colors: &'static [Color]) -> Template {
    Template {
        name,
        background: Color::rgb(0x000000),
        foreground: Color::rgb(0xf2f2f2),
        major: veil(0xffffff, 52),
        minor: veil(0xffffff, 24),
        colors,
    }
}

impl Template {
    /// Dark text on white, a quiet grid, the reference's order of colours.
    pub const DEFAULT: Template = Template {
        name: "default",
        background: Color::rgb(0xffffff),
        foreground: Color::rgb(0x1f2329),
        major: veil(0x1f2329, 40),
        minor: veil(0x1f2329, 17),
        colors: &ON_LIGHT,
    };

    /// The template of this name; an unknown name gives the default one, as graphite-web does.
    pub fn named(name: &str) -> &'static Template {
        TEMPLATES.iter().find(|template| template.name == name).unwrap_or(&TEMPLATES[0])
    }

    /// Names that `template=` understands.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TEMPLATES.iter().map(|template| template.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_template_reaches_the_contrast_of_wcag_aa() {
        for template in TEMPLATES {
            let ratio = contrast(template.foreground, template.background);
            assert!(ratio >= 4.5, "{}: {ratio:.2}", template.name);
        }
    }

    #[test]
    fn an_unknown_template_is_the_default() {
        assert_eq!(Template::named("nosuch").name, "default");
        assert_eq!(Template::named("grafana-dark").name, "grafana-dark");
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
