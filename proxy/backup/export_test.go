package backup

// OnPiece makes Create call f with each piece of a stream's snapshot.
func (o Options) OnPiece(f func()) Options {
	o.onPiece = f
	return o
}

// OnContent makes Create call f after the streams are copied and before the files.
func (o Options) OnContent(f func()) Options {
	o.onContent = f
	return o
}
