package files

// HoldRebuilds occupies every place for rebuilding hashes until release is called.
func (s *Store) HoldRebuilds() (release func()) {
	for range maxRebuilds {
		s.rebuilds <- struct{}{}
	}
	return func() {
		for range maxRebuilds {
			<-s.rebuilds
		}
	}
}

var OpenDirectory = openDirectory

// Loading reports whether the content of id is being loaded.
func (s *Store) Loading(id string) bool {
	c, release, err := s.content(id)
	if err != nil {
		return false
	}
	defer release()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loading
}
