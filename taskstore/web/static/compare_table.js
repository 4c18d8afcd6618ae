// Facts of several tasks side by side. All text is drawn by Vue as text; a long one is cut until it is asked for.
const SHORT = 140;

export default {
  template: `
    <div class="cmp-scroll" tabindex="0" role="region" :aria-label="label">
      <table class="cmp-table" :class="{ 'cmp-numbers': numeric }">
        <thead>
          <tr>
            <th scope="col" class="cmp-corner">{{ corner }}</th>
            <th v-for="(task, at) in tasks" :key="task.id" scope="col" :style="{ '--cmp-colour': task.colour }">
              <div class="cmp-head">
                <span :class="task.dot" aria-hidden="true"></span><span class="cmp-letter">{{ task.letter }}</span>
                <a class="cmp-name" :href="task.url" :title="task.title">{{ task.name }}</a>
                <span v-if="at === 0" class="cmp-base">base</span>
              </div>
            </th>
          </tr>
        </thead>
        <tbody v-for="section in shown" :key="section.key" :data-section="section.key">
          <tr v-if="section.title" class="cmp-section">
            <th :colspan="tasks.length + 1" scope="rowgroup">
              <span class="cmp-section-title">{{ section.title }}
                <span class="cmp-dim">{{ section.note }}</span></span>
            </th>
          </tr>
          <tr v-for="row in section.rows" :key="row.n + '|' + row.k" :class="{ 'cmp-differs': !row.s }">
            <th scope="row">{{ row.n }}<span v-if="row.k" class="cmp-kind">{{ ' ' + row.k }}</span></th>
            <td v-for="(text, at) in row.v" :key="at" :class="kind(row, at)">
              <span v-if="text === null" class="cmp-none"><span aria-hidden="true">–</span
                ><span class="ts-hidden">not there</span></span>
              <template v-else-if="text.length > short">
                <span class="cmp-text">{{ opened[key(section, row)] ? text : text.slice(0, short) + '…' }}</span>
                <button type="button" class="cmp-more" :aria-expanded="!!opened[key(section, row)]"
                  @click="toggle(section, row)">{{ opened[key(section, row)] ? 'less' : 'more' }}</button>
              </template>
              <span v-else-if="text === ''" class="cmp-none">(empty)</span>
              <span v-else class="cmp-text">{{ text }}</span>
              <span v-if="row.m && row.m[at]" class="cmp-mark" :title="row.m[at]"
                ><span aria-hidden="true">{{ row.m[at] === 'least' ? '▼' : '▲' }}</span
                ><span class="ts-hidden">{{ row.m[at] }}</span></span>
            </td>
          </tr>
        </tbody>
      </table>
      <div v-if="!shown.length" class="cmp-nothing" role="status">{{ nothing }}</div>
    </div>`,
  props: { tasks: Array, sections: Array, label: String, corner: String, numeric: Boolean, first: Object },
  data() {
    return { search: this.first?.search ?? "", hidden: this.first?.hidden ?? false, opened: {}, short: SHORT };
  },
  computed: {
    shown() {
      const wanted = this.search.trim().toLowerCase();
      const found = [];
      for (const section of this.sections) {
        const differing = section.rows.filter((row) => !row.s).length;
        const rows = section.rows.filter((row) => !(this.hidden && row.s) && this.has(row, wanted));
        const note = `${section.rows.length} ${section.rows.length === 1 ? "line" : "lines"}, ${differing} differ`;
        if (rows.length) found.push({ ...section, rows, note });
      }
      return found;
    },
    nothing() {
      if (this.search.trim()) return "No line has this text.";
      return this.hidden ? "These tasks are the same in all of this." : "There is nothing to compare here.";
    },
  },
  methods: {
    has(row, wanted) {
      if (!wanted) return true;
      return (row.n + " " + row.k).toLowerCase().includes(wanted) ||
        row.v.some((text) => text !== null && text.toLowerCase().includes(wanted));
    },
    kind(row, at) {
      return { "cmp-other": !row.s && at > 0 && row.v[at] !== row.v[0] && !row.m, ["cmp-" + (row.m?.[at] || "plain")]: true };
    },
    key(section, row) {
      return section.key + "|" + row.n;
    },
    toggle(section, row) {
      const key = this.key(section, row);
      this.opened[key] = !this.opened[key];
    },
    narrow(search, hidden) {
      this.search = search;
      this.hidden = hidden;
    },
  },
};
