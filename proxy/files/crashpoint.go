package files

// crashPoint is called between any two steps that change files, with the name of the step just
// done. A process may die there, and nothing may be lost.
var crashPoint = func(name string) {}
