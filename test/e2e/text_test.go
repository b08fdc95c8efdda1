package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextsBothWaysInOrder(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, at place) {
		d := at.open(t)
		var agent, customer []line
		for i := range 6 {
			from, to := d.agent, d.customer
			if i%2 == 1 {
				from, to = to, from
			}
			said := fmt.Sprintf("text %d <b>of</b> %s", i, from.id)
			from.say(said)
			to.hears(said)
			from.hears(said)
			agent = append(agent, line{Own: from == d.agent, Text: said})
			customer = append(customer, line{Own: from == d.customer, Text: said})
		}
		require.Equal(t, agent, d.agent.lines())
		require.Equal(t, customer, d.customer.lines())
	})
}
