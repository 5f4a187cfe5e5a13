use aya::programs::loaded_programs;

/// What the names of Handoff's programs begin with.
const PREFIX: &str = "handoff";

/// Name of the program with this number, at most 15 bytes of it; `None` when there is none, or this process may not look.
pub fn program_name(id: u32) -> Option<String> {
    let program = loaded_programs().filter_map(Result::ok).find(|program| program.id() == id)?;
    program.name_as_str().map(str::to_owned)
}

/// Whether a program of this name is one of Handoff's.
pub fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX)
}
