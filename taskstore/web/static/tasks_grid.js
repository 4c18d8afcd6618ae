import * as AgGrid from "nicegui-aggrid";

// The table of tasks. What it shows (the view) is in the page's address, and nowhere else; rows come from /api/tasks a
// stretch at a time. Whatever a task holds is put into the page as text, never as markup.

const BLOCK = 100;
const LABELS = {
  created: "Draft", queued: "Pending", in_progress: "Running", stopped: "Aborted", closed: "Closed", failed: "Failed",
  completed: "Completed", publishing: "Publishing", published: "Published",
};
const DATE_OPTIONS = ["equals", "lessThan", "greaterThan", "inRange", "blank", "notBlank"];

function made(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function numberText(value) {
  if (typeof value !== "number" || Number.isInteger(value)) return value == null ? "" : String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e9) ? value.toExponential(3) : String(Number(value.toPrecision(6)));
}

function timeText(value) {
  if (!value) return "";
  const moment = new Date(value);
  if (isNaN(moment)) return String(value);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

function lengthText(value) {
  if (typeof value !== "number") return "";
  const s = Math.round(value);
  if (s < 60) return value < 10 ? `${Number(value.toFixed(1))} s` : `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

const RENDERERS = {
  status(params) {
    if (!params.data) return made("span", "tt-wait", "…");
    const { status, progress, archived } = params.data;
    const cell = made("span", "tt-status-cell");
    cell.append(made("span", `tt-status tt-${status in LABELS ? status : "created"}`, LABELS[status] ?? status));
    const share = Number(progress);
    if (progress != null && progress !== "" && share >= 0 && share <= 100) {
      const bar = made("span", "tt-progress");
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-valuenow", share);
      bar.setAttribute("aria-valuemin", 0);
      bar.setAttribute("aria-valuemax", 100);
      bar.setAttribute("aria-label", "Progress");
      bar.title = `${share} %`;
      const done = made("span", "tt-progress-done");
      done.style.width = `${share}%`;
      bar.append(done);
      cell.append(bar);
    }
    if (archived) cell.append(made("span", "tt-archived", "archived"));
    return cell;
  },
  name(params) {
    if (!params.data) return "";
    const link = made("a", "tt-name", params.data.name || "(no name)");
    link.href = `/task/${encodeURIComponent(params.data.id)}`;
    link.tabIndex = -1;
    return link;
  },
  tags(params) {
    const cell = made("span", "tt-tags");
    for (const tag of Array.isArray(params.value) ? params.value : []) cell.append(made("span", "tt-tag", tag));
    return cell;
  },
};

const FORMATS = {
  number: numberText,
  time: timeText,
  length: lengthText,
  tags: (value) => (Array.isArray(value) ? value.join(", ") : ""),
};

function filterOf(kind) {
  if (kind === "number" || kind === "length") return { filter: "agNumberColumnFilter" };
  if (kind === "time") {
    const params = { filterOptions: DATE_OPTIONS, buttons: ["reset"], maxNumConditions: 2 };
    return { filter: "agDateColumnFilter", filterParams: params };
  }
  return { filter: "agTextColumnFilter", filterParams: { debounceMs: 250 } };
}

function definition(column) {
  const format = FORMATS[column.kind];
  return {
    colId: column.id,
    headerName: column.label,
    headerTooltip: column.group === "Task" ? undefined : `${column.group}: ${column.label}`,
    width: column.width,
    minWidth: 60,
    valueGetter: (params) => params.data?.cells[column.id],
    valueFormatter: format && !RENDERERS[column.kind] ? (params) => format(params.value) : undefined,
    tooltipValueGetter: (params) => {
      const shown = column.kind === "name" ? params.data?.name : format ? format(params.value) : params.value;
      return shown == null ? undefined : String(shown);
    },
    cellRenderer: RENDERERS[column.kind],
    cellClass: ["number", "length"].includes(column.kind) ? "tt-number" : undefined,
    ...filterOf(column.kind),
  };
}

function sameJson(left, right) {
  return JSON.stringify(left) === JSON.stringify(right);
}

export default {
  template: `
    <div class="tt-grid-place">
      <div ref="grid" class="tt-grid nicegui-aggrid" data-testid="tasks-grid"></div>
      <div v-if="total === 0 && !problem" class="tt-nothing" role="status" data-testid="nothing-fits">
        <div>No task fits.</div>
        <button type="button" class="tt-button" @click="clear()" data-testid="clear-filters">Clear search and filters</button>
      </div>
      <div v-if="problem" class="tt-nothing" role="alert" data-testid="grid-problem">
        <pre class="tt-problem-text">{{ problem }}</pre>
        <button type="button" class="tt-button" @click="clear()">Clear search and filters</button>
      </div>
      <div class="tt-foot" aria-live="polite" data-testid="tasks-total">{{ footText }}</div>
    </div>`,
  props: { columns: Array, first: Array },
  data() {
    return { total: null, problem: "", count: 0 };
  },
  computed: {
    footText() {
      if (this.total === null) return "";
      const tasks = `${this.total.toLocaleString("en")} task${this.total === 1 ? "" : "s"}`;
      return this.count ? `${tasks}, ${this.count.toLocaleString("en")} selected` : tasks;
    },
  },
  mounted() {
    AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
    this.known = Object.fromEntries(this.columns.map((column) => [column.id, column]));
    this.selected = new Map();
    this.view = this.fromAddress();
    this.isApplying = false;
    this.watchTheme();
    this.build();
    window.taskstoreGrid = this; // for who measures it
    this.onPop = () => this.comeBack();
    this.onKey = (event) => this.pressed(event);
    window.addEventListener("popstate", this.onPop);
    window.addEventListener("keydown", this.onKey, true);
  },
  unmounted() {
    window.removeEventListener("popstate", this.onPop);
    window.removeEventListener("keydown", this.onKey, true);
    this.themes?.disconnect();
    this.api?.destroy();
  },
  methods: {
    // --- the address -------------------------------------------------------------------------------------------------
    fromAddress() {
      const given = new URLSearchParams(location.search);
      let filters = {};
      try {
        const read = JSON.parse(given.get("filters") || "{}");
        if (read && typeof read === "object" && !Array.isArray(read)) filters = read;
      } catch (error) {
        filters = {};
      }
      const columns = given.getAll("col").map((text) => {
        const at = text.lastIndexOf("@");
        const width = at > 0 ? Number(text.slice(at + 1)) : NaN;
        return width >= 20 && width <= 4000 ? [text.slice(0, at), width] : [text, 0];
      });
      return {
        project: given.get("project") || "", q: given.get("q") || "", text: given.get("text") || "",
        archived: given.get("archived") === "1", sort: given.getAll("sort"), filters, columns,
      };
    },
    asked() {
      const asked = new URLSearchParams();
      for (const name of ["project", "q", "text"]) if (this.view[name]) asked.set(name, this.view[name]);
      if (this.view.archived) asked.set("archived", "1");
      for (const name of this.view.sort) asked.append("sort", name);
      if (Object.keys(this.view.filters).length) asked.set("filters", JSON.stringify(this.view.filters));
      return asked;
    },
    toAddress({ replace } = {}) {
      const asked = this.asked();
      for (const [id, width] of this.view.columns) asked.append("col", width ? `${id}@${width}` : id);
      const text = asked.toString();
      const address = location.pathname + (text ? `?${text}` : "");
      if (address === location.pathname + location.search) return;
      history[replace ? "replaceState" : "pushState"](null, "", address);
      this.$emit("view", { ...this.view, address: text });
    },
    async comeBack() {
      this.view = this.fromAddress();
      await this.apply();
      this.$emit("view", { ...this.view, address: location.search.slice(1), is_back: true });
    },
    // --- the grid ----------------------------------------------------------------------------------------------------
    watchTheme() {
      const update = () => {
        const mode = document.body.classList.contains("body--dark") ? "dark" : "light";
        this.$refs.grid.setAttribute("data-ag-theme-mode", mode);
      };
      this.themes = new MutationObserver(update);
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      update();
    },
    async shownColumns() {
      const wanted = this.view.columns.length ? this.view.columns : this.first.map((id) => [id, 0]);
      const unknown = wanted.map(([id]) => id).filter((id) => !this.known[id]);
      if (unknown.length) {
        const asked = new URLSearchParams(unknown.map((id) => ["id", id]));
        const answer = await fetch(`/api/columns?${asked}`);
        for (const column of answer.ok ? await answer.json() : []) this.known[column.id] = column;
      }
      const seen = new Set();
      return wanted.filter(([id]) => this.known[id] && !seen.has(id) && seen.add(id));
    },
    definitions(shown) {
      const sorted = Object.fromEntries(
        this.view.sort.map((name, index) => [name.replace(/^[-+]/, ""), [name.startsWith("-") ? "desc" : "asc", index]]),
      );
      return shown.map(([id, width]) => ({
        ...definition(this.known[id]),
        ...(width ? { width } : {}),
        sort: sorted[id]?.[0] ?? null,
        sortIndex: sorted[id]?.[1] ?? null,
      }));
    },
    async build() {
      const shown = await this.shownColumns();
      const narrow = matchMedia("(max-width: 700px)").matches;
      this.api = AgGrid.createGrid(this.$refs.grid, {
        theme: AgGrid.themeQuartz.withPart(AgGrid.colorSchemeVariable).withParams({ spacing: 6, fontSize: 13 }),
        columnDefs: this.definitions(shown),
        defaultColDef: {
          resizable: true, sortable: true, unSortIcon: false, comparator: () => 0,
          suppressKeyboardEvent: ({ event }) => [" ", "Enter"].includes(event.key),
        },
        rowModelType: "infinite",
        cacheBlockSize: BLOCK,
        maxBlocksInCache: 6,
        infiniteInitialRowCount: 1,
        rowBuffer: 8,
        rowHeight: 34,
        headerHeight: 38,
        getRowId: (params) => params.data.id,
        rowSelection: {
          mode: "multiRow", checkboxes: true, headerCheckbox: false, enableClickSelection: false,
        },
        selectionColumnDef: { pinned: narrow ? null : "left", width: 44, suppressHeaderMenuButton: true, headerName: "" },
        initialState: { filter: { filterModel: this.view.filters } },
        maintainColumnOrder: false,
        enableCellTextSelection: true,
        suppressDragLeaveHidesColumns: true,
        suppressMultiSort: false,
        tooltipShowDelay: 600,
        animateRows: false,
        datasource: { getRows: (params) => this.fetchRows(params) },
        onSortChanged: () => this.onSort(),
        onFilterChanged: () => this.onFilter(),
        onColumnMoved: (event) => event.finished && this.onColumns(),
        onColumnResized: (event) => event.finished && event.source !== "api" && this.onColumns(),
        onColumnVisible: () => this.onColumns(),
        onRowSelected: (event) => this.onRowSelected(event),
        onModelUpdated: () => this.matchSelection(),
        onCellFocused: (event) => this.onFocus(event),
        onRowDoubleClicked: (event) => this.openTask(event.data),
      });
    },
    columnIds() {
      const columns = this.api ? this.api.getAllGridColumns() : [];
      return columns.map((column) => column.getColId()).filter((id) => this.known[id]);
    },
    async fetchRows(params) {
      const asked = this.asked();
      asked.set("start", params.startRow);
      asked.set("end", params.endRow);
      asked.set("zone", -new Date().getTimezoneOffset());
      for (const id of this.api ? this.columnIds() : (await this.shownColumns()).map(([each]) => each)) asked.append("column", id);
      try {
        const answer = await fetch(`/api/tasks?${asked}`);
        const found = answer.ok || answer.status === 422 ? await answer.json() : { error: `the server answers ${answer.status}` };
        if (found.error) {
          this.problem = found.error;
          params.successCallback([], 0);
          return;
        }
        this.problem = "";
        this.total = found.total;
        params.successCallback(found.rows, found.total);
        this.keepFocus();
      } catch (error) {
        params.failCallback();
      }
    },
    async apply() {
      this.isApplying = true;
      try {
        const shown = await this.shownColumns();
        this.api.setGridOption("columnDefs", []);
        this.api.setGridOption("columnDefs", this.definitions(shown));
        this.api.setFilterModel(this.view.filters);
      } finally {
        this.isApplying = false;
      }
      this.api.purgeInfiniteCache();
    },
    // --- what others ask of it ---------------------------------------------------------------------------------------
    look(changes) {
      // Another project, search or filter: from the top.
      Object.assign(this.view, changes);
      this.toAddress();
      this.api?.purgeInfiniteCache();
      this.api?.ensureIndexVisible(0, "top");
    },
    async go(address) {
      history.pushState(null, "", location.pathname + (address ? `?${address}` : ""));
      await this.comeBack();
    },
    refresh() {
      this.api?.refreshInfiniteCache();
    },
    async show(column, isShown) {
      this.known[column.id] = column;
      const ids = this.currentColumns();
      this.view.columns = isShown ? [...ids, [column.id, column.width]] : ids.filter(([id]) => id !== column.id);
      this.isApplying = true;
      this.api.setGridOption("columnDefs", this.definitions(await this.shownColumns()));
      this.isApplying = false;
      this.toAddress({ replace: true });
      if (isShown) {
        this.api.refreshInfiniteCache();
        this.api.ensureColumnVisible(column.id);
      }
    },
    async reset() {
      this.view.columns = [];
      await this.apply();
      this.toAddress({ replace: true });
    },
    clear() {
      this.view = { ...this.view, q: "", text: "", filters: {}, project: "" };
      this.problem = "";
      this.toAddress();
      this.isApplying = true;
      this.api.setFilterModel(null);
      this.isApplying = false;
      this.api.purgeInfiniteCache();
      this.$emit("view", { ...this.view, address: location.search.slice(1), is_back: true });
    },
    // --- what happens in it ------------------------------------------------------------------------------------------
    currentColumns() {
      return this.api.getAllGridColumns().filter((column) => this.known[column.getColId()] && column.isVisible())
        .map((column) => [column.getColId(), Math.round(column.getActualWidth())]);
    },
    onColumns() {
      if (this.isApplying) return;
      const now = this.currentColumns();
      if (!this.view.columns.length && sameJson(now, this.first.map((id) => [id, this.known[id].width]))) return;
      this.view.columns = now;
      this.toAddress({ replace: true });
    },
    onSort() {
      if (this.isApplying) return;
      const sorted = this.api.getColumnState().filter((state) => state.sort).sort((a, b) => a.sortIndex - b.sortIndex);
      this.view.sort = sorted.map((state) => (state.sort === "desc" ? "-" : "") + state.colId);
      this.toAddress();
    },
    onFilter() {
      if (this.isApplying) return;
      this.view.filters = this.api.getFilterModel();
      this.toAddress();
    },
    openTask(data) {
      if (data) location.assign(`/task/${encodeURIComponent(data.id)}`);
    },
    // --- selection: it outlives rows that are scrolled away or filtered out -------------------------------------------
    onRowSelected(event) {
      if (this.isMatching || !event.node.data) return;
      const { id, name, status } = event.node.data;
      if (event.node.isSelected()) this.selected.set(id, { id, name, status });
      else this.selected.delete(id);
      this.tellSelection();
    },
    matchSelection() {
      this.isMatching = true;
      this.api?.forEachNode((node) => {
        const wanted = node.data !== undefined && this.selected.has(node.data.id);
        if (node.data && node.isSelected() !== wanted) node.setSelected(wanted);
      });
      this.isMatching = false;
    },
    tellSelection() {
      this.count = this.selected.size;
      clearTimeout(this.telling);
      this.telling = setTimeout(() => this.$emit("selection", [...this.selected.values()]), 60);
    },
    async selectAll() {
      const answer = await fetch(`/api/tasks/ids?${this.asked()}`);
      if (!answer.ok) return;
      for (const task of await answer.json()) this.selected.set(task.id, task);
      this.matchSelection();
      this.tellSelection();
    },
    select(ids) {
      const kept = new Set(ids);
      for (const id of [...this.selected.keys()]) if (!kept.has(id)) this.selected.delete(id);
      this.matchSelection();
      this.tellSelection();
    },
    // --- the keyboard ------------------------------------------------------------------------------------------------
    onFocus(event) {
      const node = event.rowIndex == null ? null : this.api.getDisplayedRowAtIndex(event.rowIndex);
      this.focusedId = node?.data?.id;
    },
    keepFocus() {
      // Rows that came above must not move the focus to another task.
      const focused = this.api?.getFocusedCell();
      if (!focused || !this.focusedId) return;
      const node = this.api.getRowNode(this.focusedId);
      if (node && node.rowIndex !== null && node.rowIndex !== focused.rowIndex) {
        const inside = this.$refs.grid.contains(document.activeElement);
        if (inside) this.api.setFocusedCell(node.rowIndex, focused.column);
      }
    },
    move(step) {
      const focused = this.api.getFocusedCell();
      const last = this.api.getDisplayedRowCount() - 1;
      const row = focused ? Math.max(0, Math.min(last, focused.rowIndex + step)) : 0;
      const column = focused ? focused.column : this.api.getAllDisplayedColumns().find((each) => this.known[each.getColId()]);
      if (last < 0 || !column) return;
      this.api.ensureIndexVisible(row);
      this.api.setFocusedCell(row, column);
    },
    pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target;
      if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true], .q-dialog, .q-menu, .ag-popup")) return;
      if (document.querySelector(".q-dialog__inner")) return;
      const isControl = target.closest?.("button, a, [role=button], input, summary, [role=treeitem], .ag-header");
      const focused = this.api?.getFocusedCell();
      const node = focused ? this.api.getDisplayedRowAtIndex(focused.rowIndex) : null;
      const acts = {
        "/": () => document.querySelector("[data-testid=search]")?.focus(),
        j: () => this.move(1),
        k: () => this.move(-1),
        x: () => node?.data && node.setSelected(!node.isSelected()),
        c: () => this.$emit("compare"),
      };
      if (!isControl) {
        acts[" "] = acts.x;
        acts.Enter = () => this.openTask(node?.data);
        if (!this.$refs.grid.contains(document.activeElement)) {
          acts.ArrowDown = acts.j;
          acts.ArrowUp = acts.k;
        }
      }
      if (!acts[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      acts[event.key]();
    },
  },
};
