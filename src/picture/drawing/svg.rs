//! How is a drawing SVG that stands inside a page?
//!
//! Colours are the page's own variables, so that it is dark where the page is.

use std::fmt::Write as _;

use super::super::canvas::{escaped, num, polyline};
use super::{Anchor, Drawing, Ground, Ink, Shape};

impl Drawing {
    /// An `<svg>` element without a name space of its own.
    pub(crate) fn svg(&self) -> String {
        let (width, height) = (num(self.width), num(self.height));
        let alt = escaped(&self.alt);
        let class = match self.ground {
            Ground::Black => "brain",
            Ground::Page => "chart",
        };
        let mut out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" \
             aria-label=\"{alt}\">\n"
        );
        for shape in &self.shapes {
            write_shape(&mut out, shape);
        }
        out.push_str("</svg>\n");
        out
    }
}

fn write_shape(out: &mut String, shape: &Shape) {
    let written = match shape {
        Shape::Image { at, image } => writeln!(
            out,
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" href=\"{}\"/>",
            num(at.x),
            num(at.y),
            num(at.width),
            num(at.height),
            image.data_uri(),
        ),
        Shape::Line { points, ink, width } => writeln!(
            out,
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            polyline(points),
            colour(*ink),
            num(*width),
        ),
        Shape::Area { points, ink } => writeln!(
            out,
            "<path d=\"{}Z\" fill=\"{}\" fill-opacity=\"0.35\"/>",
            polyline(points),
            colour(*ink),
        ),
        Shape::Text { at, size, ink, anchor, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}>{}</text>",
                num(at.0),
                num(at.1),
                num(*size),
                colour(*ink),
                escaped(text),
            )
        }
    };
    written.expect("a string takes all that is written");
}

fn colour(ink: Ink) -> &'static str {
    match ink {
        Ink::Plain => "var(--ink)",
        Ink::Muted => "var(--muted)",
        Ink::Faint => "var(--faint)",
        Ink::Accent => "var(--accent)",
        Ink::Warning => "var(--warning)",
    }
}
