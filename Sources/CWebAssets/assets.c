// Each file of `web` has to be here; WebPagesTests compares them.
#include "CWebAssets.h"

static const unsigned char css_editor_css[] = {
#embed "web/css/editor.css"
};
static const unsigned char css_parts_css[] = {
#embed "web/css/parts.css"
};
static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char js_api_client_js[] = {
#embed "web/js/api/client.js"
};
static const unsigned char js_api_events_js[] = {
#embed "web/js/api/events.js"
};
static const unsigned char js_api_follow_js[] = {
#embed "web/js/api/follow.js"
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
static const unsigned char js_model_json_js[] = {
#embed "web/js/model/json.js"
};
static const unsigned char js_model_layout_js[] = {
#embed "web/js/model/layout.js"
};
static const unsigned char js_model_names_js[] = {
#embed "web/js/model/names.js"
};
static const unsigned char js_model_objects_js[] = {
#embed "web/js/model/objects.js"
};
static const unsigned char js_model_parameters_js[] = {
#embed "web/js/model/parameters.js"
};
static const unsigned char js_model_part_words_js[] = {
#embed "web/js/model/part_words.js"
};
static const unsigned char js_model_points_js[] = {
#embed "web/js/model/points.js"
};
static const unsigned char js_model_ports_js[] = {
#embed "web/js/model/ports.js"
};
static const unsigned char js_model_references_js[] = {
#embed "web/js/model/references.js"
};
static const unsigned char js_model_run_js[] = {
#embed "web/js/model/run.js"
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
static const unsigned char js_model_text_js[] = {
#embed "web/js/model/text.js"
};
static const unsigned char js_model_viewport_js[] = {
#embed "web/js/model/viewport.js"
};
static const unsigned char js_model_words_js[] = {
#embed "web/js/model/words.js"
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
static const unsigned char js_ui_dom_js[] = {
#embed "web/js/ui/dom.js"
};
static const unsigned char js_ui_drawing_details_js[] = {
#embed "web/js/ui/drawing_details.js"
};
static const unsigned char js_ui_editor_js[] = {
#embed "web/js/ui/editor.js"
};
static const unsigned char js_ui_fields_js[] = {
#embed "web/js/ui/fields.js"
};
static const unsigned char js_ui_help_js[] = {
#embed "web/js/ui/help.js"
};
static const unsigned char js_ui_inspector_js[] = {
#embed "web/js/ui/inspector.js"
};
static const unsigned char js_ui_keys_js[] = {
#embed "web/js/ui/keys.js"
};
static const unsigned char js_ui_menu_js[] = {
#embed "web/js/ui/menu.js"
};
static const unsigned char js_ui_node_fields_js[] = {
#embed "web/js/ui/node_fields.js"
};
static const unsigned char js_ui_palette_js[] = {
#embed "web/js/ui/palette.js"
};
static const unsigned char js_ui_part_strings_js[] = {
#embed "web/js/ui/part_strings.js"
};
static const unsigned char js_ui_screens_js[] = {
#embed "web/js/ui/screens.js"
};
static const unsigned char js_ui_session_js[] = {
#embed "web/js/ui/session.js"
};
static const unsigned char js_ui_settings_js[] = {
#embed "web/js/ui/settings.js"
};
static const unsigned char js_ui_strings_js[] = {
#embed "web/js/ui/strings.js"
};
static const unsigned char js_ui_workbench_js[] = {
#embed "web/js/ui/workbench.js"
};

#define ASSET(path, name) {path, name, sizeof name}

static const web_asset assets[] = {
    ASSET("css/editor.css", css_editor_css),
    ASSET("css/parts.css", css_parts_css),
    ASSET("index.html", index_html),
    ASSET("js/api/client.js", js_api_client_js),
    ASSET("js/api/events.js", js_api_events_js),
    ASSET("js/api/follow.js", js_api_follow_js),
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
    ASSET("js/model/difference.js", js_model_difference_js),
    ASSET("js/model/document.js", js_model_document_js),
    ASSET("js/model/drawings.js", js_model_drawings_js),
    ASSET("js/model/history.js", js_model_history_js),
    ASSET("js/model/json.js", js_model_json_js),
    ASSET("js/model/layout.js", js_model_layout_js),
    ASSET("js/model/names.js", js_model_names_js),
    ASSET("js/model/objects.js", js_model_objects_js),
    ASSET("js/model/parameters.js", js_model_parameters_js),
    ASSET("js/model/part_words.js", js_model_part_words_js),
    ASSET("js/model/points.js", js_model_points_js),
    ASSET("js/model/ports.js", js_model_ports_js),
    ASSET("js/model/references.js", js_model_references_js),
    ASSET("js/model/run.js", js_model_run_js),
    ASSET("js/model/search.js", js_model_search_js),
    ASSET("js/model/settings.js", js_model_settings_js),
    ASSET("js/model/shapes.js", js_model_shapes_js),
    ASSET("js/model/text.js", js_model_text_js),
    ASSET("js/model/viewport.js", js_model_viewport_js),
    ASSET("js/model/words.js", js_model_words_js),
    ASSET("js/ui/chooser.js", js_ui_chooser_js),
    ASSET("js/ui/conflict.js", js_ui_conflict_js),
    ASSET("js/ui/connections.js", js_ui_connections_js),
    ASSET("js/ui/dom.js", js_ui_dom_js),
    ASSET("js/ui/drawing_details.js", js_ui_drawing_details_js),
    ASSET("js/ui/editor.js", js_ui_editor_js),
    ASSET("js/ui/fields.js", js_ui_fields_js),
    ASSET("js/ui/help.js", js_ui_help_js),
    ASSET("js/ui/inspector.js", js_ui_inspector_js),
    ASSET("js/ui/keys.js", js_ui_keys_js),
    ASSET("js/ui/menu.js", js_ui_menu_js),
    ASSET("js/ui/node_fields.js", js_ui_node_fields_js),
    ASSET("js/ui/palette.js", js_ui_palette_js),
    ASSET("js/ui/part_strings.js", js_ui_part_strings_js),
    ASSET("js/ui/screens.js", js_ui_screens_js),
    ASSET("js/ui/session.js", js_ui_session_js),
    ASSET("js/ui/settings.js", js_ui_settings_js),
    ASSET("js/ui/strings.js", js_ui_strings_js),
    ASSET("js/ui/workbench.js", js_ui_workbench_js),
};

size_t web_asset_count(void) { return sizeof assets / sizeof *assets; }

web_asset web_asset_at(size_t index) { return index < web_asset_count() ? assets[index] : (web_asset){0}; }
