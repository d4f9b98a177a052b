-- Services of services.vtc.
core.register_service("facts", "http", function(applet)
    local names = {}
    for name, values in pairs(applet.headers) do
        for i = 0, #values do
            names[#names + 1] = name .. i .. "=" .. values[i]
        end
    end
    table.sort(names)
    applet:set_var("txn.x", 5)
    local before = applet:get_var("txn.x")
    applet:unset_var("txn.x")
    applet:set_priv("mine")
    applet:set_status(203, "Facts")
    applet:add_header("x-line", applet.method .. " " .. applet.path .. "|" .. applet.qs .. "|" .. applet.version)
    applet:add_header("x-length", applet.length)
    applet:add_header("x-headers", table.concat(names, ","))
    applet:add_header("x-var", before .. "," .. tostring(applet:get_var("txn.x")) .. "," .. applet:get_priv())
    applet:add_header("x-samples", applet.f:src() .. "," .. applet.sf:src() .. "," .. applet.c:upper("x")
                                   .. applet.sc:upper("y"))
    applet:add_header("content-length", 4)
    applet:start_response()
    applet:send("fact")
    applet:send("too much")
end)

-- Answers with return values and errors of calls that make no sense.
core.register_service("wrong", "http", function(applet)
    local seen = {}
    local function try(fn)
        local fine, what = pcall(fn)
        seen[#seen + 1] = fine and tostring(what) or "error"
    end
    try(function() return applet:send("x") end)
    try(function() return applet:set_status(99) end)
    try(function() return applet:set_status(600) end)
    try(function() return applet:set_status("x") end)
    try(function() return applet:add_header("a b", "x") end)
    try(function() return applet:add_header("a", "x\r\ny") end)
    try(function() return applet:add_header() end)
    try(function() return applet.getline() end)
    try(function() return applet:add_header("x-a", "b") end)
    applet:start_response()
    try(function() return applet:start_response() end)
    try(function() return applet:set_status(201) end)
    try(function() return applet:add_header("x-late", "b") end)
    try(function() return applet:send("") end)
    applet:send(table.concat(seen, " "))
end)

core.register_service("lines", "http", function(applet)
    local out = {}
    repeat
        local line = applet:getline()
        out[#out + 1] = "<" .. line .. ">"
    until line == ""
    applet:start_response()
    applet:send(table.concat(out))
end)

core.register_service("pieces", "http", function(applet)
    local first, none = applet:receive(3), applet:receive(0)
    local rest, last = applet:receive(), applet:receive()
    applet:start_response()
    applet:send(first .. "|" .. none .. "|" .. rest .. "|" .. last)
end)

-- Bytes come back as they come.
core.register_service("echo", "http", function(applet)
    applet:start_response()
    while true do
        local piece = applet:receive(10000)
        if piece == "" then return end
        applet:send(piece)
    end
end)

core.register_service("count", "http", function(applet)
    local body = applet:receive()
    applet:start_response()
    applet:send(tostring(#body))
end)

core.register_service("big", "http", function(applet)
    local line = string.rep("x", 100000)
    applet:start_response()
    for _ = 1, 100 do applet:send(line) end
end)

core.register_service("deaf", "http", function(applet)
    applet:add_header("content-length", 2)
    applet:start_response()
    applet:send("ok")
end)

core.register_service("events", "http", function(applet)
    applet:start_response()
    for i = 1, 3 do
        applet:send("event " .. i .. "\n")
        core.msleep(20)
    end
end)

local ended = 0
core.register_service("sleeps", "http", function(applet)
    core.msleep(1200)
    ended = ended + 1
    applet:start_response()
    applet:send("slept")
end)
core.register_fetches("ended", function(txn) return ended end)

core.register_service("boom", "http", function(applet) error("boom") end)
core.register_service("boom-later", "http", function(applet)
    applet:start_response()
    applet:send("some")
    core.msleep(10)
    error("boom")
end)
core.register_service("silent", "http", function(applet) end)
core.register_service("no-start", "http", function(applet) applet:set_status(204) end)
core.register_service("short", "http", function(applet)
    applet:add_header("content-length", 5)
    applet:start_response()
    applet:send("he")
end)
core.register_service("empty", "http", function(applet)
    applet:set_status(204)
    applet:start_response()
end)
core.register_service("loop", "http", function(applet) while true do end end)

core.register_service("line", "tcp", function(applet)
    applet:set_var("txn.x", "v")
    local line = applet:getline()
    applet:send("got:" .. line .. applet:get_var("txn.x") .. applet.f:src())
end)
core.register_service("talk", "tcp", function(applet)
    while true do
        local n = tonumber(applet:getline())
        if n == nil then return end
        applet:send(applet:receive(n):upper() .. "\n")
    end
end)
core.register_service("all", "tcp", function(applet)
    local all = applet:receive()
    core.msleep(10)
    applet:send(#all .. "\n")
end)
core.register_service("tcp-boom", "tcp", function(applet)
    applet:send("some")
    error("boom")
end)
