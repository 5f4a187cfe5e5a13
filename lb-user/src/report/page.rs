use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Colours for light and dark, and for paper.
const STYLE: &str = include_str!("page.css");

/// A page by the name of `title`. It may load nothing at all, so nothing that got into it could make a browser do so.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
            }
        }
    };
    page.into_string()
}

/// A table; columns that end in `>` are aligned to the right.
pub(super) fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Markup {
    let class = |column: usize| columns.get(column).is_some_and(|name| name.ends_with('>')).then_some("right");
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        @for (index, name) in columns.iter().enumerate() {
                            th class=[class(index)] { (name.trim_end_matches('>')) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() { td class=[class(index)] { (cell) } }
                        }
                    }
                }
            }
        }
    }
}
