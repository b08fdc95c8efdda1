package ucs

// crashPoint is called between any two effects of an Add, with the name of the one just done. A
// process may die there, and nothing may be lost.
var crashPoint = func(name string) {}
