package backend

import (
	"net/http"
	"net/url"
	"strconv"

	"attache/bridge"
)

var responseCases = []contractCase{
	{name: "pages of the library have each response once, and each has a document of that size", feature: featureResponses, body: func(t *caseRun) {
		all := t.responses("", bridge.MaxFound)
		seen := map[string]bool{}
		for _, r := range t.responses("", 1) {
			if seen[r.DocumentID] {
				fail("the response %s comes twice", r.DocumentID)
			}
			seen[r.DocumentID] = true
			must("ask for a response", t.callOnce(http.MethodGet, pathOf(pathResponse, r.DocumentID), nil, nil))
			_, content, err := t.get(r.DocumentID, "")
			must("get a response's document", err)
			mustEqual("the size of "+r.Name, r.Size, int64(len(content)))
		}
		mustEqual("the responses in small pages", len(all), len(seen))
	}},
	{name: "a response is found by its name, and not by words that it does not have", feature: featureResponses, body: func(t *caseRun) {
		for _, r := range t.responses("", bridge.MaxFound)[:min(1, len(t.responses("", bridge.MaxFound)))] {
			if !t.finds(r.Name, r.DocumentID) {
				fail("%q does not find the response of that name", r.Name)
			}
		}
		if len(t.responses(t.session, bridge.MaxFound)) > 0 {
			fail("a word that no response has finds some")
		}
	}},
	{name: "a document that is not in the library is document-unknown there", feature: featureResponses, body: func(t *caseRun) {
		d, content := t.newDocument(10)
		id := t.store(d, content)
		for _, id := range []string{id, proposedID()} {
			mustRefuse("a response", bridge.CodeDocument, t.callOnce(http.MethodGet, pathOf(pathResponse, id), nil, nil))
		}
	}},
}

// responses reads all pages.
func (t *caseRun) responses(words string, most int) (all []wireResponse) {
	for after, more := "", true; more; {
		var page wireResponses
		q := url.Values{"words": {words}, "after": {after}, "max": {strconv.Itoa(most)}}
		must("search the library", t.callOnce(http.MethodGet, pathResponses+"?"+q.Encode(), nil, &page))
		if all = append(all, page.Responses...); len(page.Responses) == 0 || len(all) > 1000 {
			break
		}
		after, more = page.Responses[len(page.Responses)-1].DocumentID, page.More
	}
	return all
}

func (t *caseRun) finds(words, id string) bool {
	for _, r := range t.responses(words, bridge.MaxFound) {
		if r.DocumentID == id {
			return true
		}
	}
	return false
}
