// Each file of `web` has to be here; WebPagesTests compares them.
#include "CWebAssets.h"

static const unsigned char css_editor_css[] = {
#embed "web/css/editor.css"
};
static const unsigned char css_pages_css[] = {
#embed "web/css/pages.css"
};
static const unsigned char css_parts_css[] = {
#embed "web/css/parts.css"
};
static const unsigned char css_runs_css[] = {
#embed "web/css/runs.css"
};
static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char js_api_client_js[] = {
#embed "web/js/api/client.js"
};
static const unsigned char js_api_convert_js[] = {
#embed "web/js/api/convert.js"
};
static const unsigned char js_api_events_js[] = {
#embed "web/js/api/events.js"
};
static const unsigned char js_api_follow_js[] = {
#embed "web/js/api/follow.js"
};
static const unsigned char js_api_plugins_js[] = {
#embed "web/js/api/plugins.js"
};
static const unsigned char js_api_runs_js[] = {
#embed "web/js/api/runs.js"
};
static const unsigned char js_canvas_canvas_js[] = {
#embed "web/js/canvas/canvas.js"
};
static const unsigned char js_canvas_drawings_js[] = {
#embed "web/js/canvas/drawings.js"
};
static const unsigned char js_canvas_gestures_js[] = {
#embed "web/js/canvas/gestures.js"
};
static const unsigned char js_canvas_inline_js[] = {
#embed "web/js/canvas/inline.js"
};
static const unsigned char js_canvas_keyboard_js[] = {
#embed "web/js/canvas/keyboard.js"
};
static const unsigned char js_canvas_lines_js[] = {
#embed "web/js/canvas/lines.js"
};
static const unsigned char js_canvas_menus_js[] = {
#embed "web/js/canvas/menus.js"
};
static const unsigned char js_canvas_minimap_js[] = {
#embed "web/js/canvas/minimap.js"
};
static const unsigned char js_canvas_node_view_js[] = {
#embed "web/js/canvas/node_view.js"
};
static const unsigned char js_canvas_overview_js[] = {
#embed "web/js/canvas/overview.js"
};
static const unsigned char js_canvas_points_js[] = {
#embed "web/js/canvas/points.js"
};
static const unsigned char js_canvas_targets_js[] = {
#embed "web/js/canvas/targets.js"
};
static const unsigned char js_main_js[] = {
#embed "web/js/main.js"
};
static const unsigned char js_model_catalog_js[] = {
#embed "web/js/model/catalog.js"
};
static const unsigned char js_model_clipboard_js[] = {
#embed "web/js/model/clipboard.js"
};
static const unsigned char js_model_commands_js[] = {
#embed "web/js/model/commands.js"
};
static const unsigned char js_model_compare_js[] = {
#embed "web/js/model/compare.js"
};
static const unsigned char js_model_copying_js[] = {
#embed "web/js/model/copying.js"
};
static const unsigned char js_model_denials_js[] = {
#embed "web/js/model/denials.js"
};
static const unsigned char js_model_difference_js[] = {
#embed "web/js/model/difference.js"
};
static const unsigned char js_model_document_js[] = {
#embed "web/js/model/document.js"
};
static const unsigned char js_model_drawings_js[] = {
#embed "web/js/model/drawings.js"
};
static const unsigned char js_model_history_js[] = {
#embed "web/js/model/history.js"
};
static const unsigned char js_model_hosts_js[] = {
#embed "web/js/model/hosts.js"
};
static const unsigned char js_model_json_js[] = {
#embed "web/js/model/json.js"
};
static const unsigned char js_model_layout_js[] = {
#embed "web/js/model/layout.js"
};
static const unsigned char js_model_lines_js[] = {
#embed "web/js/model/lines.js"
};
static const unsigned char js_model_log_js[] = {
#embed "web/js/model/log.js"
};
static const unsigned char js_model_names_js[] = {
#embed "web/js/model/names.js"
};
static const unsigned char js_model_node_commands_js[] = {
#embed "web/js/model/node_commands.js"
};
static const unsigned char js_model_objects_js[] = {
#embed "web/js/model/objects.js"
};
static const unsigned char js_model_parameter_kinds_js[] = {
#embed "web/js/model/parameter_kinds.js"
};
static const unsigned char js_model_parameters_js[] = {
#embed "web/js/model/parameters.js"
};
static const unsigned char js_model_part_words_js[] = {
#embed "web/js/model/part_words.js"
};
static const unsigned char js_model_partial_js[] = {
#embed "web/js/model/partial.js"
};
static const unsigned char js_model_plugins_js[] = {
#embed "web/js/model/plugins.js"
};
static const unsigned char js_model_points_js[] = {
#embed "web/js/model/points.js"
};
static const unsigned char js_model_ports_js[] = {
#embed "web/js/model/ports.js"
};
static const unsigned char js_model_problems_js[] = {
#embed "web/js/model/problems.js"
};
static const unsigned char js_model_references_js[] = {
#embed "web/js/model/references.js"
};
static const unsigned char js_model_routes_js[] = {
#embed "web/js/model/routes.js"
};
static const unsigned char js_model_run_js[] = {
#embed "web/js/model/run.js"
};
static const unsigned char js_model_run_events_js[] = {
#embed "web/js/model/run_events.js"
};
static const unsigned char js_model_run_list_js[] = {
#embed "web/js/model/run_list.js"
};
static const unsigned char js_model_search_js[] = {
#embed "web/js/model/search.js"
};
static const unsigned char js_model_settings_js[] = {
#embed "web/js/model/settings.js"
};
static const unsigned char js_model_shapes_js[] = {
#embed "web/js/model/shapes.js"
};
static const unsigned char js_model_shown_drawings_js[] = {
#embed "web/js/model/shown_drawings.js"
};
static const unsigned char js_model_sources_js[] = {
#embed "web/js/model/sources.js"
};
static const unsigned char js_model_text_js[] = {
#embed "web/js/model/text.js"
};
static const unsigned char js_model_timeline_js[] = {
#embed "web/js/model/timeline.js"
};
static const unsigned char js_model_values_js[] = {
#embed "web/js/model/values.js"
};
static const unsigned char js_model_viewport_js[] = {
#embed "web/js/model/viewport.js"
};
static const unsigned char js_model_words_js[] = {
#embed "web/js/model/words.js"
};
static const unsigned char js_ui_around_js[] = {
#embed "web/js/ui/around.js"
};
static const unsigned char js_ui_bar_js[] = {
#embed "web/js/ui/bar.js"
};
static const unsigned char js_ui_chooser_js[] = {
#embed "web/js/ui/chooser.js"
};
static const unsigned char js_ui_conflict_js[] = {
#embed "web/js/ui/conflict.js"
};
static const unsigned char js_ui_connections_js[] = {
#embed "web/js/ui/connections.js"
};
static const unsigned char js_ui_denials_js[] = {
#embed "web/js/ui/denials.js"
};
static const unsigned char js_ui_details_js[] = {
#embed "web/js/ui/details.js"
};
static const unsigned char js_ui_dialogs_js[] = {
#embed "web/js/ui/dialogs.js"
};
static const unsigned char js_ui_dom_js[] = {
#embed "web/js/ui/dom.js"
};
static const unsigned char js_ui_drawing_details_js[] = {
#embed "web/js/ui/drawing_details.js"
};
static const unsigned char js_ui_editor_js[] = {
#embed "web/js/ui/editor.js"
};
static const unsigned char js_ui_exchange_js[] = {
#embed "web/js/ui/exchange.js"
};
static const unsigned char js_ui_fields_js[] = {
#embed "web/js/ui/fields.js"
};
static const unsigned char js_ui_frame_js[] = {
#embed "web/js/ui/frame.js"
};
static const unsigned char js_ui_gantt_js[] = {
#embed "web/js/ui/gantt.js"
};
static const unsigned char js_ui_help_js[] = {
#embed "web/js/ui/help.js"
};
static const unsigned char js_ui_hosts_js[] = {
#embed "web/js/ui/hosts.js"
};
static const unsigned char js_ui_inspector_js[] = {
#embed "web/js/ui/inspector.js"
};
static const unsigned char js_ui_keys_js[] = {
#embed "web/js/ui/keys.js"
};
static const unsigned char js_ui_log_view_js[] = {
#embed "web/js/ui/log_view.js"
};
static const unsigned char js_ui_menu_js[] = {
#embed "web/js/ui/menu.js"
};
static const unsigned char js_ui_messages_js[] = {
#embed "web/js/ui/messages.js"
};
static const unsigned char js_ui_node_fields_js[] = {
#embed "web/js/ui/node_fields.js"
};
static const unsigned char js_ui_page_table_js[] = {
#embed "web/js/ui/page_table.js"
};
static const unsigned char js_ui_pages_js[] = {
#embed "web/js/ui/pages.js"
};
static const unsigned char js_ui_palette_js[] = {
#embed "web/js/ui/palette.js"
};
static const unsigned char js_ui_permissions_js[] = {
#embed "web/js/ui/permissions.js"
};
static const unsigned char js_ui_places_js[] = {
#embed "web/js/ui/places.js"
};
static const unsigned char js_ui_placing_js[] = {
#embed "web/js/ui/placing.js"
};
static const unsigned char js_ui_plugin_detail_js[] = {
#embed "web/js/ui/plugin_detail.js"
};
static const unsigned char js_ui_plugin_install_js[] = {
#embed "web/js/ui/plugin_install.js"
};
static const unsigned char js_ui_plugin_settings_js[] = {
#embed "web/js/ui/plugin_settings.js"
};
static const unsigned char js_ui_plugins_js[] = {
#embed "web/js/ui/plugins.js"
};
static const unsigned char js_ui_run_compare_js[] = {
#embed "web/js/ui/run_compare.js"
};
static const unsigned char js_ui_run_list_js[] = {
#embed "web/js/ui/run_list.js"
};
static const unsigned char js_ui_run_node_js[] = {
#embed "web/js/ui/run_node.js"
};
static const unsigned char js_ui_running_js[] = {
#embed "web/js/ui/running.js"
};
static const unsigned char js_ui_runs_panel_js[] = {
#embed "web/js/ui/runs_panel.js"
};
static const unsigned char js_ui_saving_js[] = {
#embed "web/js/ui/saving.js"
};
static const unsigned char js_ui_session_js[] = {
#embed "web/js/ui/session.js"
};
static const unsigned char js_ui_settings_js[] = {
#embed "web/js/ui/settings.js"
};
static const unsigned char js_ui_sign_in_js[] = {
#embed "web/js/ui/sign_in.js"
};
static const unsigned char js_ui_strings_page_strings_js[] = {
#embed "web/js/ui/strings/page_strings.js"
};
static const unsigned char js_ui_strings_part_strings_js[] = {
#embed "web/js/ui/strings/part_strings.js"
};
static const unsigned char js_ui_strings_run_strings_js[] = {
#embed "web/js/ui/strings/run_strings.js"
};
static const unsigned char js_ui_strings_strings_js[] = {
#embed "web/js/ui/strings/strings.js"
};
static const unsigned char js_ui_styles_js[] = {
#embed "web/js/ui/styles.js"
};
static const unsigned char js_ui_text_view_js[] = {
#embed "web/js/ui/text_view.js"
};
static const unsigned char js_ui_transfers_js[] = {
#embed "web/js/ui/transfers.js"
};
static const unsigned char js_ui_troubles_js[] = {
#embed "web/js/ui/troubles.js"
};
static const unsigned char js_ui_value_views_js[] = {
#embed "web/js/ui/value_views.js"
};
static const unsigned char js_ui_values_js[] = {
#embed "web/js/ui/values.js"
};
static const unsigned char js_ui_workbench_js[] = {
#embed "web/js/ui/workbench.js"
};
static const unsigned char js_ui_workflows_js[] = {
#embed "web/js/ui/workflows.js"
};

#define ASSET(path, name) {path, name, sizeof name}

static const web_asset assets[] = {
    ASSET("css/editor.css", css_editor_css),
    ASSET("css/pages.css", css_pages_css),
    ASSET("css/parts.css", css_parts_css),
    ASSET("css/runs.css", css_runs_css),
    ASSET("index.html", index_html),
    ASSET("js/api/client.js", js_api_client_js),
    ASSET("js/api/convert.js", js_api_convert_js),
    ASSET("js/api/events.js", js_api_events_js),
    ASSET("js/api/follow.js", js_api_follow_js),
    ASSET("js/api/plugins.js", js_api_plugins_js),
    ASSET("js/api/runs.js", js_api_runs_js),
    ASSET("js/canvas/canvas.js", js_canvas_canvas_js),
    ASSET("js/canvas/drawings.js", js_canvas_drawings_js),
    ASSET("js/canvas/gestures.js", js_canvas_gestures_js),
    ASSET("js/canvas/inline.js", js_canvas_inline_js),
    ASSET("js/canvas/keyboard.js", js_canvas_keyboard_js),
    ASSET("js/canvas/lines.js", js_canvas_lines_js),
    ASSET("js/canvas/menus.js", js_canvas_menus_js),
    ASSET("js/canvas/minimap.js", js_canvas_minimap_js),
    ASSET("js/canvas/node_view.js", js_canvas_node_view_js),
    ASSET("js/canvas/overview.js", js_canvas_overview_js),
    ASSET("js/canvas/points.js", js_canvas_points_js),
    ASSET("js/canvas/targets.js", js_canvas_targets_js),
    ASSET("js/main.js", js_main_js),
    ASSET("js/model/catalog.js", js_model_catalog_js),
    ASSET("js/model/clipboard.js", js_model_clipboard_js),
    ASSET("js/model/commands.js", js_model_commands_js),
    ASSET("js/model/compare.js", js_model_compare_js),
    ASSET("js/model/copying.js", js_model_copying_js),
    ASSET("js/model/denials.js", js_model_denials_js),
    ASSET("js/model/difference.js", js_model_difference_js),
    ASSET("js/model/document.js", js_model_document_js),
    ASSET("js/model/drawings.js", js_model_drawings_js),
    ASSET("js/model/history.js", js_model_history_js),
    ASSET("js/model/hosts.js", js_model_hosts_js),
    ASSET("js/model/json.js", js_model_json_js),
    ASSET("js/model/layout.js", js_model_layout_js),
    ASSET("js/model/lines.js", js_model_lines_js),
    ASSET("js/model/log.js", js_model_log_js),
    ASSET("js/model/names.js", js_model_names_js),
    ASSET("js/model/node_commands.js", js_model_node_commands_js),
    ASSET("js/model/objects.js", js_model_objects_js),
    ASSET("js/model/parameter_kinds.js", js_model_parameter_kinds_js),
    ASSET("js/model/parameters.js", js_model_parameters_js),
    ASSET("js/model/part_words.js", js_model_part_words_js),
    ASSET("js/model/partial.js", js_model_partial_js),
    ASSET("js/model/plugins.js", js_model_plugins_js),
    ASSET("js/model/points.js", js_model_points_js),
    ASSET("js/model/ports.js", js_model_ports_js),
    ASSET("js/model/problems.js", js_model_problems_js),
    ASSET("js/model/references.js", js_model_references_js),
    ASSET("js/model/routes.js", js_model_routes_js),
    ASSET("js/model/run.js", js_model_run_js),
    ASSET("js/model/run_events.js", js_model_run_events_js),
    ASSET("js/model/run_list.js", js_model_run_list_js),
    ASSET("js/model/search.js", js_model_search_js),
    ASSET("js/model/settings.js", js_model_settings_js),
    ASSET("js/model/shapes.js", js_model_shapes_js),
    ASSET("js/model/shown_drawings.js", js_model_shown_drawings_js),
    ASSET("js/model/sources.js", js_model_sources_js),
    ASSET("js/model/text.js", js_model_text_js),
    ASSET("js/model/timeline.js", js_model_timeline_js),
    ASSET("js/model/values.js", js_model_values_js),
    ASSET("js/model/viewport.js", js_model_viewport_js),
    ASSET("js/model/words.js", js_model_words_js),
    ASSET("js/ui/around.js", js_ui_around_js),
    ASSET("js/ui/bar.js", js_ui_bar_js),
    ASSET("js/ui/chooser.js", js_ui_chooser_js),
    ASSET("js/ui/conflict.js", js_ui_conflict_js),
    ASSET("js/ui/connections.js", js_ui_connections_js),
    ASSET("js/ui/denials.js", js_ui_denials_js),
    ASSET("js/ui/details.js", js_ui_details_js),
    ASSET("js/ui/dialogs.js", js_ui_dialogs_js),
    ASSET("js/ui/dom.js", js_ui_dom_js),
    ASSET("js/ui/drawing_details.js", js_ui_drawing_details_js),
    ASSET("js/ui/editor.js", js_ui_editor_js),
    ASSET("js/ui/exchange.js", js_ui_exchange_js),
    ASSET("js/ui/fields.js", js_ui_fields_js),
    ASSET("js/ui/frame.js", js_ui_frame_js),
    ASSET("js/ui/gantt.js", js_ui_gantt_js),
    ASSET("js/ui/help.js", js_ui_help_js),
    ASSET("js/ui/hosts.js", js_ui_hosts_js),
    ASSET("js/ui/inspector.js", js_ui_inspector_js),
    ASSET("js/ui/keys.js", js_ui_keys_js),
    ASSET("js/ui/log_view.js", js_ui_log_view_js),
    ASSET("js/ui/menu.js", js_ui_menu_js),
    ASSET("js/ui/messages.js", js_ui_messages_js),
    ASSET("js/ui/node_fields.js", js_ui_node_fields_js),
    ASSET("js/ui/page_table.js", js_ui_page_table_js),
    ASSET("js/ui/pages.js", js_ui_pages_js),
    ASSET("js/ui/palette.js", js_ui_palette_js),
    ASSET("js/ui/permissions.js", js_ui_permissions_js),
    ASSET("js/ui/places.js", js_ui_places_js),
    ASSET("js/ui/placing.js", js_ui_placing_js),
    ASSET("js/ui/plugin_detail.js", js_ui_plugin_detail_js),
    ASSET("js/ui/plugin_install.js", js_ui_plugin_install_js),
    ASSET("js/ui/plugin_settings.js", js_ui_plugin_settings_js),
    ASSET("js/ui/plugins.js", js_ui_plugins_js),
    ASSET("js/ui/run_compare.js", js_ui_run_compare_js),
    ASSET("js/ui/run_list.js", js_ui_run_list_js),
    ASSET("js/ui/run_node.js", js_ui_run_node_js),
    ASSET("js/ui/running.js", js_ui_running_js),
    ASSET("js/ui/runs_panel.js", js_ui_runs_panel_js),
    ASSET("js/ui/saving.js", js_ui_saving_js),
    ASSET("js/ui/session.js", js_ui_session_js),
    ASSET("js/ui/settings.js", js_ui_settings_js),
    ASSET("js/ui/sign_in.js", js_ui_sign_in_js),
    ASSET("js/ui/strings/page_strings.js", js_ui_strings_page_strings_js),
    ASSET("js/ui/strings/part_strings.js", js_ui_strings_part_strings_js),
    ASSET("js/ui/strings/run_strings.js", js_ui_strings_run_strings_js),
    ASSET("js/ui/strings/strings.js", js_ui_strings_strings_js),
    ASSET("js/ui/styles.js", js_ui_styles_js),
    ASSET("js/ui/text_view.js", js_ui_text_view_js),
    ASSET("js/ui/transfers.js", js_ui_transfers_js),
    ASSET("js/ui/troubles.js", js_ui_troubles_js),
    ASSET("js/ui/value_views.js", js_ui_value_views_js),
    ASSET("js/ui/values.js", js_ui_values_js),
    ASSET("js/ui/workbench.js", js_ui_workbench_js),
    ASSET("js/ui/workflows.js", js_ui_workflows_js),
};

size_t web_asset_count(void) { return sizeof assets / sizeof *assets; }

web_asset web_asset_at(size_t index) { return index < web_asset_count() ? assets[index] : (web_asset){0}; }
