package upstream

// crashPoint is called between any two steps, with the name of the step just done. A
// process may die there, and nothing may be lost or happen twice.
var crashPoint = func(name string) {}
