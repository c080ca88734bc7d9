// Each file of `web` has to be here; WebPagesTests compares them.
#include "CWebAssets.h"

static const unsigned char css_editor_css[] = {
#embed "web/css/editor.css"
};
static const unsigned char index_html[] = {
#embed "web/index.html"
};
static const unsigned char js_main_js[] = {
#embed "web/js/main.js"
};

#define ASSET(path, name) {path, name, sizeof name}

static const web_asset assets[] = {
    ASSET("css/editor.css", css_editor_css),
    ASSET("index.html", index_html),
    ASSET("js/main.js", js_main_js),
};

size_t web_asset_count(void) { return sizeof assets / sizeof *assets; }

web_asset web_asset_at(size_t index) { return index < web_asset_count() ? assets[index] : (web_asset){0}; }
