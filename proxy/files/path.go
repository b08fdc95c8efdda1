package files

import "attache/proxy/docid"

// The names of a content's files. Ids consist of digits and letters, so none of them is a path.
const (
	partSuffix        = ".part"
	descriptionSuffix = ".json"
	linksSuffix       = ".links"
	freshSuffix       = ".new" // of a file that will replace another
	gonePrefix        = ".gone-"
)

// paths are the names of one content's files, relative to the store.
type paths struct {
	day                                string
	document, part, description, links string
}

// pathsOf returns code document-unknown if the id is none of this store's.
func pathsOf(id string) (paths, error) {
	day, err := docid.DayOf(id)
	if err != nil {
		return paths{}, err
	}
	dir := docid.Date(day)
	path := dir + "/" + id
	return paths{day: dir, document: path, part: path + partSuffix, description: path + descriptionSuffix, links: path + linksSuffix}, nil
}
