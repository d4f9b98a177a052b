-- For objects.vtc
local names = Map.new((...), Map._str)
local nets = Map.new((select(2, ...)), Map._ip)

local queue, answers = core.queue(), core.queue()
core.register_task(function()
    while true do
        answers:push("got " .. queue:pop_wait())
    end
end)

local events = {}
core.event_sub({ "SERVER_ADMIN", "SERVER_UP", "SERVER_DOWN" }, function(event, data, sub, when)
    core.msleep(1)
    if data.name == "t" then return end
    events[#events + 1] = event .. ":" .. data.name .. ":" .. data.reference:get_name() ..
        ":" .. (data.admin and table.concat(data.admin.old_admin, "+") .. ">" .. table.concat(data.admin.new_admin, "+") or
            data.state.old_state .. ">" .. data.state.new_state .. ":" .. tostring(data.state.admin))
end)
core.register_init(function()
    core.backends["be"].servers["s1"]:event_sub({ "SERVER_STATE" }, function(event, data, sub)
        events[#events + 1] = "one:" .. data.state.old_state
        sub:unsub()
    end)
end)

local checks = {}
core.event_sub({ "SERVER_CHECK" }, function(event, data, sub)
    local check = data.check
    if data.name ~= "t" then return end
    checks[#checks + 1] = check.result .. ":" .. check.reason.short .. ":" .. tostring(check.agent) .. ":" ..
        check.health.cur .. "/" .. check.health.rise .. "/" .. check.health.fall
end)

core.register_action("objects", { "http-req" }, function(txn)
    local what = txn.f:path()
    local function say(...) txn:set_var("txn.out", table.concat({ ... }, "|")) end
    local fe, be = core.frontends["fe"], core.backends["be"]
    local s1 = be.servers["s1"]
    if what == "/proxy" then
        local count = 0
        for _ in pairs(core.proxies) do count = count + 1 end
        say(fe.name, fe:get_cap(), fe:get_mode(), type(fe.uuid), be:get_name(), be:get_cap(), be:get_srv_act(),
            be:get_srv_bck(), count, tostring(core.backends["fe"]), (next(fe.listeners)))
    elseif what == "/server" then
        say(s1.name, s1.puid, s1:get_addr(), s1:get_weight(), s1:get_maxconn(), tostring(s1:is_draining()),
            tostring(s1:is_backup()), tostring(s1:is_dynamic()), s1:get_cur_sess(), s1:get_pend_conn(),
            s1:get_proxy().name, tostring(s1:tracking()), #s1:get_trackers(), be.servers["s2"]:tracking().name)
    elseif what == "/orders" then
        s1:set_weight("7")
        s1:set_maxconn("5")
        s1:set_drain()
        s1:set_addr("127.0.0.9", "99")
        repeat core.msleep(2) until s1:is_draining() and s1:get_addr() == "127.0.0.9:99"
        say(s1:get_weight(), s1:get_maxconn(), s1:get_addr())
    elseif what == "/bad" then
        say(tostring((pcall(s1.set_weight, s1, "7; show info"))), tostring((pcall(s1.get_weight, fe))),
            tostring((pcall(s1.get_weight, { [0] = 1 }))))
    elseif what == "/stats" then
        local f, s, i = fe:get_stats(), s1:get_stats(), core.get_info()
        say(f.pxname, f.svname, math.type(f.stot), s.svname, s.weight, i.Name, math.type(i.Uptime_sec))
    elseif what == "/table" then
        local t = core.frontends["fe"].stktable
        local i, e, d = t:info(), t:lookup("127.0.0.1"), t:dump({ { "gpc0", "ge", 1 } })
        say(i.type, i.length, i.size, i.used, i.expire, tostring(i.nopurge), i.data.gpc0, i.data.http_req_rate, e.gpc0,
            tostring(t:lookup("9.9.9.9")), d["127.0.0.1"].gpc0, #t:dump({ { "gpc0", "gt", 100 } }))
    elseif what == "/map" then
        say(names:lookup("a"), tostring(names:lookup("z")), "<" .. names:slookup("z") .. ">", nets:lookup("10.1.2.3"),
            tostring((pcall(Map.new, "x", Map._str))))
    elseif what == "/lists" then
        core.set_map("virt@m", "k", "v1")
        core.set_map("virt@m", "k", "v2")
        core.add_acl("virt@l", "one")
        local before = txn.f:path()
        local m = core.get_patref("virt@m")
        m:prepare()
        m:add("p", "1")
        m:add_bulk({ q = "2", r = "3" })
        m:commit()
        local ok, err = m:set("nope", "x")
        say(m:get_name(), tostring(m:is_map()), tostring(m:set("p", "9")), tostring(ok), err,
            tostring(m:set("new", "x", true)), tostring(m:del("q")), tostring(m:del("q")),
            tostring((pcall(core.get_patref, "virt@none"))))
    elseif what == "/queue" then
        queue:push("a")
        queue:push("b")
        local first, second = answers:pop_wait(), answers:pop_wait()
        say(first, second, tostring(answers:pop()), answers:size(), tostring((pcall(queue.push, queue, nil))))
    elseif what == "/alarm" then
        local one, two, began = core.queue(), core.queue(), core.now()
        one:alarm()
        two:alarm()
        core.register_task(function() core.msleep(5) two:push("late") end)
        core.wait(20000)
        local woken = two:pop()
        one:push("early")
        core.wait(20000) -- has rung already
        core.wait(1) -- has not
        say(woken, one:pop(), tostring(core.now().sec - began.sec < 10))
    elseif what == "/mailers" then
        local m = core.backends["third"]:get_mailers()
        say(tostring(be:get_mailers()), tostring(m.track_server_health), m.log_level, m.mailservers.m1, m.mailservers.m2,
            m.mailservers_timeout, m.smtp_hostname, m.smtp_from, m.smtp_to)
    elseif what == "/cert" then
        local ok, why = pcall(CertCache.set, { filename = "/no/such.pem", crt = "x" })
        say(tostring(ok), type(why))
    elseif what == "/events" then
        s1:set_maint()
        repeat core.msleep(2) until #events >= 3
        s1:set_ready()
        repeat core.msleep(2) until #events >= 5
        table.sort(events)
        say(table.unpack(events))
        events = {}
    elseif what == "/check-events" then
        repeat core.msleep(2) until #checks >= 2
        say(checks[1], checks[2])
    elseif what == "/list-events" then
        local ref = core.get_patref("virt@m")
        local seen, sub = {}
        sub = ref:event_sub({ "PAT_REF" }, function(event, data, sub) seen[#seen + 1] = event .. tostring(data) end)
        core.set_map("virt@m", "e", "1")
        core.set_map("virt@m", "e", "2")
        core.del_map("virt@m", "e")
        ref:prepare()
        ref:add("f", "3")
        ref:add("g", "4")
        local before = tostring(ref["f"])
        ref:commit()
        local pairs_seen = {}
        for key, value in pairs(ref) do pairs_seen[#pairs_seen + 1] = key .. "=" .. value end
        local one = core.get_patref("virt@m")["f"]
        ref:purge()
        repeat core.msleep(2) until #seen >= 5
        sub:unsub()
        say(table.concat(seen, ","), before, one, tostring(ref["f"]), table.concat(pairs_seen, ","),
            tostring((pcall(ref.event_sub, ref, { "SERVER_UP" }, print))),
            select(2, pcall(core.event_sub, { "ACME_DEPLOY" }, print)))
    elseif what == "/marks" then
        txn:set_priority_class(3)
        txn:set_priority_offset(-9)
        txn:set_fc_tos(0)
        say(txn.f:prio_class(), txn.f:prio_offset())
    elseif what == "/regex" then
        local ok, r = Regex.new("(b+)(c)", true)
        local bad, why = Regex.new("a(", true)
        local found, groups = r:match("abbc")
        say(tostring(ok), tostring(r:exec("xbcx")), tostring(r:exec("BC")), tostring(found), groups[1], groups[2], groups[3],
            tostring(bad), type(why))
    end
end)
