package proxy

// crashPoint is called between any two steps of an upload in one request, with the name of the
// step just done. A process may die there, and nothing may be lost.
var crashPoint = func(name string) {}
