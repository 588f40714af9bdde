# Forecasts and reports: Measure-IaaSAvailability, Export-IaaSReport, Compare-IaaSReport. What they compute is tested in AzureIaaS.Core.Tests.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    $quick = @{ VmCount = 20; HostCount = 4; FaultDomain = 2; Years = 1; ReplicationCount = 12; Sensitivity = $false }
    New-TestImage (Join-Path $TestHome disk.img) | Out-Null
    'sp-web1', 'sp-web2', 'sp-sql1', 'sp-sql2' | ForEach-Object { Import-IaaSVm (Join-Path $TestHome disk.img) -Name $_ -Memory 64MB -WarningAction Ignore } | Start-IaaSVm | Out-Null
    $report = Measure-IaaSAvailability @quick
    $drill = Invoke-IaaSFailover sp-web1 -Kind Test -Check Process -Confirm:$false
}

AfterAll { Exit-TestHome }

Describe 'Measure-IaaSAvailability' {
    It 'answers in a sentence, with its uncertainty' {
        $report.Answer | Should -Match '^A machine is available [\d.]+ % \([\d.]+ to [\d.]+\) of the time'
        $report.Fleet.Low | Should -BeLessThan $report.Fleet.Availability
        $report.Fleet.High | Should -BeGreaterThan $report.Fleet.Availability
        $report.Machines.Count | Should -Be 20
    }

    It 'gives the same for the same seed, and another for another' {
        (Measure-IaaSAvailability @quick -ThrottleLimit 1).Fingerprint | Should -Be $report.Fingerprint
        (Measure-IaaSAvailability @quick -Seed 2).Fingerprint | Should -Not -Be $report.Fingerprint
    }

    It 'says which numbers nobody gave, and where they are from' {
        $detection = $report.Assumptions | Where-Object Parameter -EQ Recovery.Detection
        $detection.Source | Should -Not -BeNullOrEmpty
        $given = Measure-IaaSAvailability @quick -Setting @{ 'Recovery.Detection' = '30 s'; Failures = @{ Guest = 'never' } }
        ($given.Assumptions | ForEach-Object Parameter) | Should -Not -Contain Recovery.Detection
        ($given.Assumptions | ForEach-Object Parameter) | Should -Not -Contain Failures.Guest
        $given.Model.Recovery.Detection.Mean | Should -Be 30
    }

    It 'forecasts the machines of a fabric, where they are' {
        $live = Get-IaaSVm sp-* | Measure-IaaSAvailability -Application @{ Web = '1 of sp-web'; Sql = '1 of sp-sql' } -Sla 99.95 -Years 2 -ReplicationCount 12 -Sensitivity:$false
        $live.Applications.Name | Sort-Object | Should -Be Sql, Web
        $live.Model.Hosts.Count | Should -Be @(Get-IaaSHost).Count
        foreach ($vm in Get-IaaSVm sp-*) { ($live.Model.Machines | Where-Object Name -EQ $vm.Name).Host | Should -Be $vm.Host }
        $live.Applications[0].MissChance | Should -Not -BeNullOrEmpty
    }

    It 'leaves the fabric as it is' {
        $before = Get-IaaSVm | ConvertTo-Json -Depth 5
        Get-IaaSVm | Measure-IaaSAvailability -Years 1 -ReplicationCount 10 -Sensitivity:$false | Out-Null
        Get-IaaSVm | ConvertTo-Json -Depth 5 | Should -Be $before
    }

    It 'takes recovery times as they were measured in a drill' {
        $measured = $drill | Measure-IaaSAvailability @quick
        $measured.Model.Recovery.Boot.Mean | Should -BeGreaterThan 0
        [Math]::Abs($measured.Model.Recovery.Boot.Mean - $drill.Rto.TotalSeconds) | Should -BeLessThan 0.001
        ($measured.Assumptions | Where-Object Parameter -EQ Recovery.Boot).Source | Should -Match 'drill of sp-web1'
        (Measure-IaaSAvailability @quick -Drill $drill).Fingerprint | Should -Be $measured.Fingerprint
    }

    It 'compares with a baseline, with the same random numbers' {
        $more = Measure-IaaSAvailability -HostCount 5 -Baseline $report -Sensitivity:$false
        $more.Model.HostCount | Should -Be 5
        $more.Model.MachineCount | Should -Be 20
        $more.Replications | Should -Be 12
        [Math]::Abs($more.Differences[0].BaselineMinutesPerYear - $report.Fleet.MinutesPerYear) | Should -BeLessThan 1e-6
        (Measure-IaaSAvailability -Baseline $report -Sensitivity:$false).Differences[0].MinutesSavedPerYear | Should -Be 0
        { Measure-IaaSAvailability -HostCount 5 -Baseline $report -Seed 9 -ErrorAction Stop } | Should -Throw -ErrorId 'BaselineDiffers*'
    }

    It 'reads a model, and gives one that can be read again' {
        $file = Join-Path $TestHome fleet.psd1
        "@{`n Hosts = @{ Count = 4; Memory = 64GB }`n Machines = @{ Name = 'web'; Count = 9 }`n Applications = @{ Web = '8 of web' }`n}" | Set-Content $file
        $first = Measure-IaaSAvailability -Model $file -Years 1 -ReplicationCount 10 -Sensitivity:$false
        $first.Applications[0].Name | Should -Be Web
        (Measure-IaaSAvailability -Model $first.Model -Years 1 -ReplicationCount 10 -Sensitivity:$false).Fingerprint | Should -Be $first.Fingerprint
    }

    It 'says the line of a model that makes no sense' {
        $file = Join-Path $TestHome bad.psd1
        "@{`n Hosts = @{ Count = 4 }`n Machines = @{ Name = 'web'; Count = 2 }`n Applications = @{ Web = '3 of web' }`n}" | Set-Content $file
        { Measure-IaaSAvailability -Model $file -ErrorAction Stop } | Should -Throw -ExpectedMessage '*bad.psd1, line 4: *only 2*' -ErrorId 'InvalidFleetModel*'
        "@{ Hosts = @{ Count = (Get-Random) } }" | Set-Content $file
        { Measure-IaaSAvailability -Model $file -ErrorAction Stop } | Should -Throw -ExpectedMessage '*line 1: *begins a command*'
    }

    It 'says what is missing: <Says>' -ForEach @(
        @{ With = @{}; Says = 'FleetNotGiven' }
        @{ With = @{ VmCount = 3 }; Says = 'FleetNotGiven' }
        @{ With = @{ Vm = 'nosuch' }; Says = 'VmNotFound' }
        @{ With = @{ Model = '/nowhere/fleet.psd1' }; Says = 'ModelNotFound' }
        @{ With = @{ VmCount = 2; HostCount = 2; Setting = @{ 'Failures.Hst' = '3 y' } }; Says = 'InvalidFleetModel' }
        @{ With = @{ VmCount = 2; HostCount = 2; Application = @{ Web = '1 of nothing' } }; Says = 'InvalidFleetModel' }
    ) {
        { Measure-IaaSAvailability @With -ErrorAction Stop } | Should -Throw -ErrorId "$Says*"
    }

    It 'works in a job, and stops when it is stopped' {
        $job = Measure-IaaSAvailability @quick -AsJob
        ($job | Wait-Job | Receive-Job).Fingerprint | Should -Be $report.Fingerprint
        $job | Remove-Job
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Measure-IaaSAvailability -VmCount 50000 -HostCount 5000 -Years 500 -ReplicationCount 1000").BeginInvoke()
        Start-Sleep -Seconds 2
        $shell.Stop()
        Wait-Until { $running.IsCompleted }
        $shell.Dispose()
    }

    It 'shows bars in the console, in lines that no console breaks' {
        $text = $report | Out-String -Width 79
        $text.Contains([char]0x2588) | Should -BeTrue
        foreach ($line in $text -split "`n") { $line.TrimEnd().Length | Should -BeLessOrEqual 79 }
        $report.Causes | Format-Table | Out-String | Should -Match 'Cause\s+Min/year\s+Share'
    }
}

Describe 'Export-IaaSReport' {
    BeforeAll {
        function Get-Page { param($Name) Get-Content (Join-Path $TestHome $Name) -Raw }
    }

    It 'writes a forecast as a page that needs nothing else' {
        $report | Export-IaaSReport (Join-Path $TestHome forecast.html)
        $page = Get-Page forecast.html
        $page.Contains([Net.WebUtility]::HtmlEncode($report.Answer)) | Should -BeTrue
        $page | Should -Match $report.Fingerprint
        $page | Should -Not -Match '<script|src=|url\(|@import|https?://'
        # Each picture has a name and says in words what it shows.
        $pictures = [regex]::Matches($page, '<svg role="img" aria-labelledby="(\w+) (\w+)"')
        $pictures.Count | Should -BeGreaterThan 3
        foreach ($picture in $pictures) { foreach ($id in 1, 2) { $page | Should -Match "id=`"$($picture.Groups[$id].Value)`">[^<]+<" } }
        ([xml]($page -replace '(?s)^.*<body>|</body>.*$' -replace '<link[^>]+>' | ForEach-Object { "<x>$_</x>" })).x | Should -Not -BeNullOrEmpty
    }

    It 'writes a drill as evidence, with a digest of it' {
        $drill | Export-IaaSReport (Join-Path $TestHome drill.html)
        $page = Get-Page drill.html
        foreach ($fact in $drill.Id, $drill.VmId, $drill.InitiatedBy, $drill.SourceHost, $drill.TargetHost, $drill.Checks[0].Name, [AzureIaaS.Reports.Evidence]::Digest($drill)) { $page.Contains("$fact") | Should -BeTrue -Because $fact }
        $kept = (Get-IaaSFailover sp-web1 -Last 1)
        [AzureIaaS.Reports.Evidence]::Digest($kept) | Should -Be ([AzureIaaS.Reports.Evidence]::Digest($drill))
        $kept.Trigger = 'something else'
        [AzureIaaS.Reports.Evidence]::Digest($kept) | Should -Not -Be ([AzureIaaS.Reports.Evidence]::Digest($drill))
    }

    It 'writes Markdown and CSV' {
        $report, $drill | ForEach-Object { $_ | Export-IaaSReport (Join-Path $TestHome "$($_.GetType().Name).md"); $_ | Export-IaaSReport (Join-Path $TestHome "$($_.GetType().Name).csv") }
        Get-Page AvailabilityReport.md | Should -Match '(?m)^## Where the time goes$'
        $rows = Import-Csv (Join-Path $TestHome AvailabilityReport.csv)
        ($rows | Where-Object Kind -EQ Machine).Count | Should -Be 20
        [double]($rows | Where-Object Kind -EQ Fleet).Availability | Should -Be $report.Fleet.Availability
        (Import-Csv (Join-Path $TestHome FailoverReport.csv) | Where-Object Item -EQ Step).Count | Should -Be $drill.Steps.Count
    }

    It 'writes a farm, from a pipeline or from a file of it' {
        @(Get-IaaSHost) + @(Get-IaaSVm) | Export-IaaSReport (Join-Path $TestHome farm.html)
        Get-Page farm.html | Should -Match '4 of 4 machines run'
        Get-IaaSVm | Export-Clixml (Join-Path $TestHome farm.xml) -Depth 3
        Import-Clixml (Join-Path $TestHome farm.xml) | Export-IaaSReport (Join-Path $TestHome again.csv)
        (Import-Csv (Join-Path $TestHome again.csv)).Name | Sort-Object | Should -Be ((Get-IaaSVm).Name | Sort-Object)
    }

    It 'lets no name become markup' {
        $bad = [AzureIaaS.VirtualMachine]::new()
        $bad.Name = '<script>alert(1)</script>|=1+1'
        $bad | Export-IaaSReport (Join-Path $TestHome bad.html)
        Get-Page bad.html | Should -Not -Match '<script'
        $bad.Name = '=1+1'
        $bad | Export-IaaSReport (Join-Path $TestHome bad.csv)
        (Import-Csv (Join-Path $TestHome bad.csv)).Name | Should -Be "'=1+1"
    }

    It 'keeps a file with -NoClobber, writes nothing with -WhatIf, and gives it out with -PassThru' {
        $file = Join-Path $TestHome kept.html
        $report | Export-IaaSReport $file -WhatIf
        $file | Should -Not -Exist
        ($report | Export-IaaSReport $file -PassThru).FullName | Should -Be $file
        { $report | Export-IaaSReport $file -NoClobber -ErrorAction Stop } | Should -Throw -ErrorId 'ReportExists*'
        $report | Export-IaaSReport $file
        @(Get-ChildItem $TestHome -Filter '*.part').Count | Should -Be 0
    }

    It 'says what cannot be reported: <Says>' -ForEach @(
        @{ Make = { Get-Item $TestHome }; File = 'x.html'; Says = 'NotReportable' }
        @{ Make = { $report }; File = 'x.pdf'; Says = 'UnknownReportFormat' }
        @{ Make = { $report; $drill }; File = 'x.html'; Says = 'ReportMixed' }
        @{ Make = { $report }; File = 'nofolder/x.html'; Says = 'ReportNotWritten' }
        @{ Make = { $report }; File = '.'; Says = 'UnknownReportFormat' }
    ) {
        { & $Make | Export-IaaSReport (Join-Path $TestHome $File) -ErrorAction Stop } | Should -Throw -ErrorId "$Says*"
    }
}

Describe 'A page in a browser' -Skip:(-not (Get-Command chromium -ErrorAction Ignore)) {
    BeforeAll {
        # The page's own policy allows no script; for the inspection, a copy has none.
        $inspect = @'
<script>
function luminance(c) { const v = c.match(/[\d.]+/g).slice(0, 3).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : Math.pow((x + .055) / 1.055, 2.4); }); return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; }
function background(e) { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$|transparent/.test(c)) return c; } return 'rgb(255, 255, 255)'; }
const bad = [];
if (document.documentElement.scrollWidth > innerWidth) bad.push('overflow ' + document.documentElement.scrollWidth + ' of ' + innerWidth);
for (const e of document.querySelectorAll('p,h1,h2,th,td,caption,figcaption,span,b,summary,svg text')) {
  if (!e.textContent.trim()) continue;
  const s = getComputedStyle(e), a = luminance(e.namespaceURI.endsWith('svg') ? s.fill : s.color), b = luminance(background(e));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) bad.push('contrast ' + ratio.toFixed(2) + ' ' + e.textContent.slice(0, 20));
}
for (const e of document.querySelectorAll('svg[role=img]')) for (const id of e.getAttribute('aria-labelledby').split(' ')) if (!document.getElementById(id)?.textContent) bad.push('svg without a name');
for (const e of document.querySelectorAll('[role=region]')) if (!e.getAttribute('aria-label')) bad.push('region without a name');
for (const e of document.querySelectorAll('table')) if (!e.caption || !e.querySelector('th[scope=col]')) bad.push('table without a caption');
if (document.querySelectorAll('h1').length !== 1 || !document.documentElement.lang || !document.title) bad.push('no title');
const ids = [...document.querySelectorAll('[id]')].map(e => e.id); if (new Set(ids).size !== ids.length) bad.push('an id twice');
document.body.textContent = 'FOUND[' + bad.join('; ') + ']';
</script>
'@
        function Measure-Page {
            param([string]$Name, [int]$Width, [switch]$Dark)
            $copy = Join-Path $TestHome "inspect-$([guid]::NewGuid()).html"
            (Get-Content (Join-Path $TestHome $Name) -Raw) -replace '<meta http-equiv="Content-Security-Policy"[^>]*>' -replace '</body>', "$inspect</body>" | Set-Content $copy
            # A window is never narrower than 500 pixels; a frame is.
            $frame = Join-Path $TestHome "frame-$([guid]::NewGuid()).html"
            "<iframe src='$(Split-Path $copy -Leaf)' width='$Width' height='800' onload='document.title = 1; setTimeout(() => document.body.append(document.querySelector(`"iframe`").contentDocument.body.textContent), 50)'></iframe>" | Set-Content $frame
            $arguments = '--headless', '--no-sandbox', '--disable-gpu', '--allow-file-access-from-files', '--virtual-time-budget=5000', '--window-size=1200,900', "--user-data-dir=$TestHome/chromium", '--dump-dom'
            if ($Dark) { $arguments += '--blink-settings=preferredColorScheme=0' }
            $dom = chromium @arguments "file://$frame" 2> $null | Out-String
            [regex]::Match($dom, 'FOUND\[(.*?)\]').Value
        }
        $report | Export-IaaSReport (Join-Path $TestHome forecast.html)
        $drill | Export-IaaSReport (Join-Path $TestHome drill.html)
        @(Get-IaaSHost) + @(Get-IaaSVm) | Export-IaaSReport (Join-Path $TestHome farm.html)
    }

    It '<Name> overflows at no width, is legible in light and dark, and names what it shows (<Width>, dark: <Dark>)' -ForEach $(
        foreach ($name in 'forecast.html', 'drill.html', 'farm.html') { foreach ($width in 360, 1100) { foreach ($dark in $false, $true) { @{ Name = $name; Width = $width; Dark = $dark } } } }
    ) {
        Measure-Page $Name $Width -Dark:$Dark | Should -Be 'FOUND[]'
    }
}

Describe 'Compare-IaaSReport' {
    It 'says what became better and worse between two drills' {
        $later = Invoke-IaaSFailover sp-web1 -Kind Test -Check Process -Confirm:$false
        $later.Rto = $drill.Rto + [timespan]::FromMinutes(1)
        $later.Checks[0].Outcome = 'Failed'
        $found = Compare-IaaSReport $drill $later
        ($found | Where-Object Item -EQ Rto).Verdict | Should -Be Worse
        ($found | Where-Object Item -EQ 'Check Process').Verdict | Should -Be Worse
        ($found | ForEach-Object Item) | Should -Contain Digest
        ($found | ForEach-Object Verdict) | Should -Not -Contain Same
        (Compare-IaaSReport $drill $drill -IncludeEqual).Verdict | Select-Object -Unique | Should -Be Same
    }

    It 'compares forecasts, and refuses what is not alike' {
        $worse = Measure-IaaSAvailability @quick -Setting @{ 'Failures.Host' = '10 d' }
        (Compare-IaaSReport $report $worse | Where-Object Item -Like '*minutes down*').Verdict | Should -Be Worse
        { Compare-IaaSReport $report $drill -ErrorAction Stop } | Should -Throw -ErrorId 'ReportsNotAlike*'
    }
}
