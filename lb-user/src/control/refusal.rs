/// Why the agent does not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The question makes no sense to it.
    Question(String),
    /// Somebody else has what was asked for.
    Busy(String),
    /// It could not.
    Failed(String),
}
