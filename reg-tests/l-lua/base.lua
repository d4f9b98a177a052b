-- For base.vtc
local args = { ... }
local started = false

core.register_init(function() started = true end)

local ticks = 0
core.register_task(function(step)
    while true do
        ticks = ticks + step
        core.msleep(5)
    end
end, 2)

core.register_fetches("state", function(txn, what)
    if what == "args" then return table.concat(args, "+") end
    if what == "init" then return started end
    if what == "ticks" then return ticks > 3 end
    if what == "number" then return 41 end
    if what == "none" then return nil end
    if what == "boom" then error("no such state") end
    if what == "loop" then while true do end end
    if what == "pause" then core.msleep(1) end
end)

core.register_fetches("samples", function(txn)
    return table.concat({
        txn.f:req_hdr("x-a"), tostring(txn.f:req_hdr("x-none")), "<" .. txn.sf:req_hdr("x-none") .. ">",
        math.type(txn.f:dst_port()), tostring(txn.f:ssl_fc()), txn.f:method(), txn.f:path(),
        txn.c:upper("up"), txn.c:bytes("abcdef", 1, 2), txn.sc:json('a"b', "utf8"),
        tostring(txn.f.no_such_fetch),
    }, "|")
end)

core.register_converters("wrap", function(text, left, right) return left .. text .. (right or "") end)

core.register_action("act", { "http-req" }, function(txn, first, second)
    local path = txn.f:path()
    txn:set_var("txn.args", first .. second)
    if path == "/deny" then return act.DENY end
    if path == "/abort" then return act.ABORT end
    if path == "/invalid" then return act.INVALID end
    if path == "/error" then return act.ERROR end
    if path == "/stop" then return act.STOP end
    if path == "/boom" then error("oh") end
    if path == "/loop" then while true do end end
    if path == "/pause" then core.msleep(20) core.yield() core.msleep(20) end
    if path == "/again" then
        local n = (txn:get_priv() or 0) + 1
        txn:set_priv(n)
        if n < 3 then
            act:wake_time(5)
            return act.YIELD
        end
        txn:set_var("txn.args", n)
    end
    if path == "/reply" then
        local reply = txn:reply { status = 202, reason = "Taken", headers = { ["x-two"] = { "1", "2" } } }
        reply:add_header("content-type", "text/lua")
        reply:add_header("x-gone", "1")
        reply:del_header("x-gone")
        reply:set_body("from lua")
        txn:done(reply)
        error("never reached")
    end
    if path == "/close" then txn:done() end
end, 2)

core.register_action("edit", { "http-req" }, function(txn)
    local http = txn.http
    local all = http:req_get_headers()
    http:req_add_header("x-seen", all["x-a"][0] .. all["x-a"][1])
    http:req_set_header("x-set", "set")
    http:req_del_header("x-b")
    http:req_rep_header("x-c", "^(.*)-(.*)$", "\\2-\\1")
    http:req_rep_value("x-d", "^b$", "B")
    http:req_set_method("PUT")
    http:req_set_path("/changed")
    http:req_set_query("q=2")
end)

core.register_action("answer", { "http-res" }, function(txn)
    txn.http:res_set_status(206, "Half")
    txn.http:res_set_header("x-lua", txn.http:res_get_headers()["x-from"][0])
    txn.http:res_rep_header("x-from", "er", "ER")
    core.msleep(10)
    txn.http:res_add_header("x-late", "yes")
end)

core.register_action("tcp", { "tcp-req" }, function(txn)
    txn:set_var("sess.tcp", txn.sf:src())
end)

core.register_action("hello", { "tcp-req" }, function(txn)
    local line = txn.req:line()
    if txn.req:is_resp() or line ~= "hello\n" or txn.req:input() ~= 9 then return act.DENY end
end)

core.register_cli({ "show", "lua", "ticks" }, "show lua ticks : how often the task ran", function(applet, a, b, c, d)
    applet:send(a .. b .. c .. tostring(d) .. "\n")
end)
