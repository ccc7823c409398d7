//! What lies between the axes: grid, areas, lines.

use plotters::coord::cartesian::{Cartesian2d, MeshLine};
use plotters::coord::ranged1d::{BoldPoints, LightPoints};
use plotters::prelude::{DrawingArea, IntoDrawingArea};

use super::Chart;
use crate::draw::DrawError;
use crate::draw::curve::Sheet;
use crate::draw::plot::{Paper, place, units};
use crate::draw::surface::{Area, Surface};
use crate::draw::time_axis::TimeAxis;
use crate::draw::value_axis::ValueAxis;

impl Chart<'_> {
    /// Grid, areas, lines.
    pub(super) fn plot(&self, surface: &mut dyn Surface, plot: Area, time: &TimeAxis) -> Result<(), DrawError> {
        let (width, height) = (self.options.width, self.options.height);
        let root = Paper { surface, width, height }.into_drawing_area();
        let area = |axis: &ValueAxis| {
            let across = units(plot.left)..units(plot.right);
            let upwards = units(plot.bottom)..units(plot.top);
            root.apply_coord_spec(Cartesian2d::<TimeAxis, ValueAxis>::new(
                time.clone(),
                axis.clone(),
                (across, upwards),
            ))
        };
        let (left, right) = (self.left.as_ref().map(area), self.right.as_ref().map(area));
        if let Some(main) = left.as_ref().or(right.as_ref()).filter(|_| self.shows_axes && !self.options.hide_grid) {
            self.grid(main, plot)?;
        }
        let curves = || {
            self.curves.iter().filter_map(|curve| {
                let (area, axis) = if curve.right { (&right, &self.right) } else { (&left, &self.left) };
                Some((curve, area.as_ref()?, axis.as_ref()?))
            })
        };
        let (mode, limit) = (self.options.line_mode, self.options.connected_limit);
        // A line along the edge keeps its full width.
        let clip = Area { top: plot.top - 1.0, bottom: plot.bottom + 1.0, ..plot };
        let clip = if self.shows_axes { clip } else { Area { left: clip.left - 1.0, right: clip.right + 1.0, ..clip } };
        let on_paper = left.as_ref().or(right.as_ref());
        with_surface(on_paper, |surface| surface.clip(clip))?;
        let until = self.until as f64;
        let sheet = |axis| Sheet { axis, mode, limit, tall: plot.height().into(), until };
        for (curve, area, axis) in curves() {
            for mark in curve.areas(&sheet(axis)) {
                area.draw(&mark)?;
            }
        }
        // Full-height lines mark events behind the data.
        for infinite in [true, false] {
            for (curve, area, axis) in curves().filter(|(curve, ..)| curve.infinite == infinite) {
                for mark in curve.lines(&sheet(axis)) {
                    area.draw(&mark)?;
                }
            }
        }
        with_surface(on_paper, |surface| surface.unclip())
    }

    fn grid(&self, area: &PlotArea<'_>, plot: Area) -> Result<(), DrawError> {
        let (major, minor) = (self.look.major, self.look.minor);
        let many = 10_000;
        for (light, color) in [(true, minor), (false, major)] {
            let line = |paper: &mut Paper<'_>, mesh: MeshLine<'_, TimeAxis, ValueAxis>| {
                paper.surface.rect(hairline(&mesh, plot), color);
                Ok(())
            };
            if light {
                area.draw_mesh(line, LightPoints::new(many, many), LightPoints::new(many, many))?;
            } else {
                area.draw_mesh(line, BoldPoints(many), BoldPoints(many))?;
            }
        }
        let base = self.look.foreground.faded(0.45);
        with_surface(Some(area), |surface| {
            surface.rect(Area { top: plot.bottom, bottom: plot.bottom + 1.0, ..plot }, base);
        })
    }
}

type PlotArea<'a> = DrawingArea<Paper<'a>, Cartesian2d<TimeAxis, ValueAxis>>;

/// Does something with the surface that plotters holds while a chart is drawn.
fn with_surface(area: Option<&PlotArea<'_>>, act: impl Fn(&mut dyn Surface)) -> Result<(), DrawError> {
    struct Act<F>(F, [(f64, f64); 1]);
    impl<'a, F> plotters::element::PointCollection<'a, (f64, f64)> for &'a Act<F> {
        type Point = &'a (f64, f64);
        type IntoIter = std::slice::Iter<'a, (f64, f64)>;
        fn point_iter(self) -> Self::IntoIter {
            self.1.iter()
        }
    }
    impl<'s, F: Fn(&mut dyn Surface)> plotters::element::Drawable<Paper<'s>> for Act<F> {
        fn draw<I: Iterator<Item = (i32, i32)>>(
            &self,
            _: I,
            paper: &mut Paper<'s>,
            _: (u32, u32),
        ) -> Result<(), plotters_backend::DrawingErrorKind<std::convert::Infallible>> {
            (self.0)(paper.surface);
            Ok(())
        }
    }
    match area {
        Some(area) => Ok(area.draw(&Act(act, [(0.0, 0.0)]))?),
        None => Ok(()),
    }
}

/// A grid line one logical pixel wide, inside the plot.
fn hairline(mesh: &MeshLine<'_, TimeAxis, ValueAxis>, plot: Area) -> Area {
    match mesh {
        MeshLine::XMesh(from, ..) => {
            let x = place(*from).x.round().min(plot.right - 1.0);
            Area { left: x, right: x + 1.0, ..plot }
        }
        MeshLine::YMesh(from, ..) => {
            let y = place(*from).y.round();
            Area { top: y, bottom: y + 1.0, ..plot }
        }
    }
}
