package live

// member is a subscription in a group: which query of which of its sets it is.
type member struct {
	sub        *Subscription
	set        *set
	query      int
	prev, next *member // others of the group, in no order
}

// members are those of all groups, by their ids: the first of each. Many groups' lie together, nil where none has any.
type members struct{ slabs []*[crowdSize]*member }

const crowdSize = 64

// of gives the first of a group; nil where there is none.
func (s *members) of(group uint32) *member {
	if at := int(group / crowdSize); at < len(s.slabs) && s.slabs[at] != nil {
		return s.slabs[at][group%crowdSize]
	}
	return nil
}

func (s *members) add(group uint32, m *member) {
	at := int(group / crowdSize)
	for at >= len(s.slabs) {
		s.slabs = append(s.slabs, nil)
	}
	if s.slabs[at] == nil {
		s.slabs[at] = new([crowdSize]*member)
	}
	first := &s.slabs[at][group%crowdSize]
	if m.next = *first; m.next != nil {
		m.next.prev = m
	}
	*first = m
}

func (s *members) remove(group uint32, m *member) {
	if m.next != nil {
		m.next.prev = m.prev
	}
	if m.prev != nil {
		m.prev.next = m.next
		return
	}
	at := group / crowdSize
	if s.slabs[at][group%crowdSize] = m.next; *s.slabs[at] == [crowdSize]*member{} {
		s.slabs[at] = nil
	}
}

// only are lists of one index, shared by events.
var only = func() (all [64][]int) {
	for i := range all {
		all[i] = []int{i}
	}
	return all
}()

// alone is the list of the member's query alone.
func (m *member) alone() []int {
	if m.query < len(only) {
		return only[m.query]
	}
	return []int{m.query}
}
