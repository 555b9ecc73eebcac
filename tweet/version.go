package tweet

// AnalysisVersion is that of the terms and figures which indices are made of. What changes any of them is a new number, and
// wants the indices made again.
const AnalysisVersion = 3
