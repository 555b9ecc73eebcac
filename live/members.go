package live

// member is a subscription in a group: which query of which of its sets it is.
type member struct {
	sub        *Subscription
	set        *set
	query      int
	prev, next *member // others of the group, in no order
}

// members are those of all groups, by their ids: the first of each, in slabs as the groups are.
type members struct{ slabs []*[slabSize]*member }

// of gives the first of a group; nil where there is none.
func (s *members) of(group uint32) *member {
	if word := int(group / slabSize); word < len(s.slabs) && s.slabs[word] != nil {
		return s.slabs[word][group%slabSize]
	}
	return nil
}

func (s *members) add(group uint32, m *member) {
	word := int(group / slabSize)
	for word >= len(s.slabs) {
		s.slabs = append(s.slabs, nil)
	}
	if s.slabs[word] == nil {
		s.slabs[word] = new([slabSize]*member)
	}
	first := &s.slabs[word][group%slabSize]
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
	word := group / slabSize
	if s.slabs[word][group%slabSize] = m.next; *s.slabs[word] == [slabSize]*member{} {
		s.slabs[word] = nil
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
