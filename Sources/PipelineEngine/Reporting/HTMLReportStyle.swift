extension HTMLReport {
  static let style = """
    :root {
      --page: #ffffff; --panel: #f6f8fa; --line: #d0d7de; --text: #1d2733; --quiet: #57616d; --accent: #0a5fd0;
      --chosen: #dcebff; --box: #ffffff; --wire: #8b97a5;
      --succeeded: #1a7f37; --failed: #cf222e; --cancelled: #8250df; --skipped: #6e7781; --running: #0969da;
      --wait: #d4a72c;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #0f141a; --panel: #161d25; --line: #343f4b; --text: #e6edf3; --quiet: #9aa7b5; --accent: #6cb0ff;
        --chosen: #1c3350; --box: #1a212a; --wire: #7d8a98;
        --succeeded: #3fb950; --failed: #ff6b61; --cancelled: #b792f5; --skipped: #8b949e; --running: #58a6ff;
        --wait: #c69a26;
      }
    }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    body {
      margin: 0; background: var(--page); color: var(--text);
      font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
    }
    header { padding: 16px 24px 14px; border-bottom: 1px solid var(--line); background: var(--panel); }
    h1 { font-size: 20px; margin: 0 0 8px; unicode-bidi: isolate; overflow-wrap: anywhere; }
    h2 { font-size: 15px; margin: 0; }
    h3 { font-size: 12px; margin: 14px 0 4px; color: var(--quiet); text-transform: uppercase; letter-spacing: .04em; }
    dl { margin: 0; }
    #facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin-bottom: 12px; }
    #facts div { display: flex; flex-direction: column; }
    dt { color: var(--quiet); font-size: 12px; }
    dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    #counts { display: flex; flex-wrap: wrap; gap: 8px; }
    #columns { display: grid; grid-template-columns: minmax(0, 1fr) 420px; padding: 0 24px 32px; }
    main { min-width: 0; padding-right: 24px; border-right: 1px solid var(--line); }
    section { margin-top: 20px; }
    aside {
      position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 20px 0 20px 20px;
    }
    .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-bottom: 8px; }
    .tools { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
    .tools label { color: var(--quiet); }
    button, input, select {
      font: inherit; color: inherit; background: var(--box); border: 1px solid var(--line); border-radius: 6px;
      padding: 3px 10px;
    }
    button { cursor: pointer; }
    button:hover { border-color: var(--accent); }
    button[aria-pressed="true"] { border-color: var(--accent); background: var(--chosen); }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
    .quiet { color: var(--quiet); font-size: 13px; margin: 6px 0; }
    .state { white-space: nowrap; font-weight: 600; }
    .state-succeeded { color: var(--succeeded); } .state-failed { color: var(--failed); }
    .state-cancelled { color: var(--cancelled); } .state-skipped, .state-waiting, .state-queued { color: var(--skipped); }
    .state-running, .state-retrying { color: var(--running); }
    #problem-list, #suggestion-list { margin: 8px 0; padding: 0; list-style: none; }
    #problem-list li, #suggestion-list li { margin-bottom: 6px; }
    #problem-list button {
      display: block; width: 100%; text-align: left; border-left: 4px solid var(--failed); padding: 6px 12px;
      overflow-wrap: anywhere;
    }
    #problem-list button span { display: block; }
    #suggestion-list li {
      border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 6px; padding: 6px 12px;
      overflow-wrap: anywhere;
    }
    #graph, #chart, #table-box { border: 1px solid var(--line); border-radius: 8px; overflow: auto; background: var(--page); }
    #graph { max-height: 460px; }
    #graph svg { display: block; }
    #graph, #chart, #table-box { contain: content; }
    #graph text { fill: var(--text); text-rendering: geometricPrecision; }
    #graph .name { font-size: 14px; font-weight: 600; }
    #graph .type, #graph .port { font-size: 11px; fill: var(--quiet); }
    #graph .word { font-size: 11px; font-weight: 600; fill: var(--state); }
    #graph .box { fill: var(--box); stroke: var(--line); }
    #graph .band { fill: var(--state); }
    #graph .node { cursor: pointer; }
    #graph .chosen .box { stroke: var(--accent); stroke-width: 3; fill: var(--chosen); }
    #graph .unsuccessful .box { stroke: var(--state); stroke-width: 2; }
    #graph .dot { fill: var(--page); stroke: var(--wire); stroke-width: 1.5; }
    #graph .wire { fill: none; stroke: var(--wire); stroke-width: 1.6; }
    #graph .order { stroke-dasharray: 4 4; }
    #overview { display: block; width: 100%; height: 56px; margin-bottom: 6px; cursor: ew-resize; touch-action: none; }
    #chart { position: relative; max-height: 420px; overflow-x: hidden; }
    #chart-inside { position: relative; }
    #chart-canvas { position: sticky; top: 0; display: block; touch-action: pan-y; }
    #tip {
      position: absolute; z-index: 2; pointer-events: none; background: var(--panel); border: 1px solid var(--line);
      border-radius: 6px; padding: 4px 8px; font-size: 12px; white-space: pre-line; max-width: 360px;
      box-shadow: 0 2px 8px rgb(0 0 0 / 25%);
    }
    #table-box { max-height: 560px; }
    table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }
    #table { font-size: 13px; }
    th { position: sticky; top: 0; z-index: 1; background: var(--panel); text-align: left; padding: 0; white-space: nowrap; }
    #table th { border-bottom: 1px solid var(--line); }
    th button { border: 0; background: none; font-weight: 600; padding: 6px 8px; width: 100%; text-align: inherit; border-radius: 0; }
    td { padding: 0 8px; height: 28px; white-space: nowrap; max-width: 300px; overflow: hidden; text-overflow: ellipsis; }
    .number { text-align: right; }
    tbody tr.row { cursor: pointer; }
    tbody tr.row:hover td { background: var(--panel); }
    tbody tr.chosen td { background: var(--chosen); }
    tr.space td { padding: 0; height: 0; }
    aside table { margin: 4px 0; }
    aside th { position: static; background: none; padding: 2px 8px 2px 0; font-size: 12px; color: var(--quiet); }
    aside td { height: auto; padding: 2px 8px 2px 0; }
    aside p, aside li { overflow-wrap: anywhere; margin: 4px 0; }
    aside ul { margin: 4px 0; padding-left: 18px; }
    pre {
      font: 12px/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; background: var(--panel); margin: 4px 0;
      border: 1px solid var(--line); border-radius: 6px; padding: 8px; overflow: auto; max-height: 360px;
      white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate;
    }
    pre .when { color: var(--quiet); } pre .bad { color: var(--failed); }
    .message { border-left: 4px solid var(--failed); padding-left: 10px; font-weight: 600; }
    .pair { display: grid; grid-template-columns: 120px minmax(0, 1fr); gap: 2px 10px; }
    .pair dt { font-size: 13px; }
    @media (max-width: 1100px) {
      #columns { grid-template-columns: minmax(0, 1fr); }
      main { padding-right: 0; border-right: 0; }
      aside { position: static; max-height: none; padding-left: 0; }
    }
    @media print {
      :root {
        --page: #ffffff; --panel: #ffffff; --line: #999999; --text: #000000; --quiet: #444444; --box: #ffffff;
        --chosen: #ffffff; --succeeded: #1a7f37; --failed: #b3141f; --cancelled: #6639ba; --skipped: #57606a;
      }
      #columns { display: block; padding: 0; } header { padding: 0 0 10px; }
      .tools, #tip { display: none; } main { padding-right: 0; border-right: 0; }
      #graph, #chart, #table-box, aside, pre { max-height: none; overflow: visible; position: static; border-color: #999999; }
      #graph svg { max-width: 100%; height: auto; }
      th { position: static; } #table { font-size: 9px; } #table td, #table th button { padding: 0 4px; }
      section { break-inside: auto; } tr, li { break-inside: avoid; }
    }

    """
}
