# The examples in the documentation do what they say: each is run, in a folder and a fabric of its own with what it speaks of.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $pages = foreach ($file in Get-ChildItem "$PSScriptRoot/../../docs/cmdlets" -Filter *.md) {
        $found = foreach ($match in [regex]::Matches((Get-Content $file -Raw), '(?m)^### (Example \d+: .+)\n\n```powershell\n((?s).+?)\n```')) {
            @{ Cmdlet = $file.BaseName; Title = $match.Groups[1].Value; Code = $match.Groups[2].Value }
        }
        @{ Page = $file.BaseName; Examples = $found }
    }
    # What needs a guest with a display or an agent, or Azure, cannot run on simulated machines; what such examples say is checked word by word.
    $needGuests = 'Get-IaaSVmScreenshot', 'Invoke-IaaSVmCommand', 'Get-IaaSOrphan', 'Remove-IaaSOrphan'
    # So are those that speak of another computer.
    $elsewhere = { $_.Cmdlet -in $needGuests -or $_.Code -match 'https?://|-Context azure' }
    $read = foreach ($page in $pages) { @{ Page = $page.Page; Examples = @($page.Examples | Where-Object $elsewhere) } }
    $pages = foreach ($page in $pages) { @{ Page = $page.Page; Examples = @($page.Examples | Where-Object { -not (& $elsewhere) }) } }
    $read, $pages = ($read | Where-Object { $_.Examples }), ($pages | Where-Object { $_.Examples })
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null

    # Guests that boot to a login prompt, whoever starts them: what they would say is added to their consoles.
    $guests = Start-ThreadJob {
        while ($true) {
            Get-ChildItem $using:TestHome -Recurse -Filter console.log -ErrorAction Ignore | ForEach-Object {
                "Debian GNU/Linux 12 guest ttyS0`nguest login: " | Add-Content $_.FullName -ErrorAction Ignore   # it may be gone again
            }
            Start-Sleep -Milliseconds 50
        }
    }

    # What an example of a page takes for granted, besides three images and, mostly, their machines.
    $running = 'Invoke-IaaSFailover', 'Get-IaaSFailover', 'Move-IaaSVm', 'Suspend-IaaSVm', 'Suspend-IaaSHost', 'Resume-IaaSHost', 'Remove-IaaSHost', 'Checkpoint-IaaSVm'
    $checkpointed = 'Get-IaaSVmCheckpoint', 'Restore-IaaSVmCheckpoint', 'Remove-IaaSVmCheckpoint'
    $watched = 'Stop-IaaSHost'

    function Add-Stage {
        param([string]$Cmdlet)
        if ($Cmdlet -eq 'Connect-IaaS' -or ($Cmdlet -eq 'Get-IaaSImage' -and $Code -notmatch 'Get-IaaSVm ')) { return }
        if ($Cmdlet -in 'Import-IaaSVm', 'Complete-IaaSVmImport') { Add-Source }
        if ($Cmdlet -eq 'Import-IaaSVm') { return }
        Get-ChildItem web*.vmdk, db*.vmdk | Import-IaaSVm
        if ($Cmdlet -like '*-IaaSOperation') { Add-InterruptedImport }
        if ($Cmdlet -like '*-IaaSNetwork' -and $Cmdlet -ne 'New-IaaSNetwork') { New-IaaSNetwork corp 10.20.0.0/24; New-IaaSNetwork lab 10.30.0.0/24 -Isolated }
        if ($Cmdlet -like '*-IaaSSite*' -or $Cmdlet -eq 'Test-IaaSDomainJoin') { New-IaaSNetwork corp 10.20.0.0/24; 'a shared key' | Set-Content key.txt }
        if ($Cmdlet -eq 'New-IaaSSite') { Add-Certificate }
        if ($Cmdlet -like '*-IaaSSite*' -and $Cmdlet -ne 'New-IaaSSite') { New-IaaSSite hq corp -Subnet 192.168.10.0/24 -GatewayAddress 203.0.113.7 -LocalAddress 203.0.113.1 }
        if ($Cmdlet -in $running) { 'db01', 'web01', 'web02' | ForEach-Object { Start-IaaSVm $_ } }   # one after the other: each has its host
        if ($Cmdlet -in $checkpointed) { 'before update', 'before restart' | ForEach-Object { Checkpoint-IaaSVm web01 $_ } }
        if ($Cmdlet -eq 'Get-IaaSFailover') { Invoke-IaaSFailover web01 -Kind Test }
    }

    # Other images than those of which there are machines, and an appliance.
    function Add-Source {
        New-TestVmdk "$PWD/big.vmdk"
        Convert-IaaSImage ./big.vmdk -Format VhdxDynamic -Path ./erp.vhdx
        Import-IaaSVm ./web01.vmdk -Name source | Export-IaaSVm -Format Ova -Path ./web01.ova
        Remove-IaaSVm source -Confirm:$false
    }

    function Add-Certificate {
        'a password' | Set-Content password.txt
        $ca = New-TestCertificate 'CN=contoso' 90
        Set-Content contoso-ca.pem $ca.ExportCertificatePem()
        [IO.File]::WriteAllBytes("$PWD/cloud.pfx", (New-TestCertificate 'CN=cloud' 30 $ca).Export('Pkcs12', 'a password'))
    }

    function Add-InterruptedImport {
        $slow = New-SlowImage "$PWD/big.qcow2"
        $shell = [powershell]::Create()
        $running = $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$slow'").BeginInvoke()
        Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
        $shell.Stop()
        Wait-Until { $running.IsCompleted }
        $shell.Dispose()
    }
}

AfterAll {
    $guests | Stop-Job -PassThru | Remove-Job
    Exit-TestHome
}

Describe 'The examples of <Page>' -ForEach $pages {
    It '<Title>' -ForEach $Examples {
        $folder = (New-Item -ItemType Directory (Join-Path $TestHome "$(New-Guid)".Substring(0, 8))).FullName
        $configuration = $env:XDG_CONFIG_HOME
        $env:XDG_CONFIG_HOME = "$folder/config"
        Push-Location $folder
        try {
            New-TestFabric (Join-Path $folder fabric) -Watched:($Cmdlet -in $watched) | Out-Null
            New-TestVmdk "$folder/web01.vmdk", "$folder/web02.vmdk", "$folder/db01.vmdk" | Out-Null
            "Path,Name,Memory,Cpu`nweb01.vmdk,front,512MB,2`nweb02.vmdk,,,`n" | Set-Content farm.csv
            "Name,Subnet,DnsSuffix`nfront,10.21.0.0/24,front.example`nback,10.22.0.0/24,`n" | Set-Content networks.csv
            Add-Stage $Cmdlet | Out-Null
            $warnings = $Code -match '-Linked' ? 'SilentlyContinue' : 'Stop'   # that the image is needed for a while has to be said
            $script = "`$ErrorActionPreference = 'Stop'; `$WarningPreference = '$warnings'; `$ConfirmPreference = 'None'; $Code"
            # A runspace of its own, as an example may connect elsewhere.
            $shell = [powershell]::Create()
            try {
                # A vault gives secure strings.
                $vault = $Code -match 'Get-Secret' ? "function Get-Secret { 'a shared key' | ConvertTo-SecureString -AsPlainText }; " : ''
                $shell.AddScript("Import-Module '$ModulePath'; Set-Location '$folder'; $vault$script") | Out-Null
                $run = $shell.BeginInvoke()
                Wait-Until { $run.IsCompleted } $Code
                $shell.EndInvoke($run) | Out-Null
                $shell.Streams.Error | Should -BeNullOrEmpty
            }
            finally { $shell.Dispose() }
        }
        finally {
            Pop-Location
            $env:XDG_CONFIG_HOME = $configuration
        }
    }
}

Describe 'The examples of <Page>' -ForEach $read {
    It '<Title> binds' -ForEach $Examples {
        $parsed = [Management.Automation.Language.Parser]::ParseInput($Code, [ref]$null, [ref]$null)
        $commands = $parsed.FindAll({ param($node) $node -is [Management.Automation.Language.CommandAst] }, $true)
        $commands | ForEach-Object { $_.GetCommandName() } | Should -Contain $Cmdlet
        foreach ($command in $commands) {
            Get-Command $command.GetCommandName() | Should -Not -BeNullOrEmpty
            [Management.Automation.Language.StaticParameterBinder]::BindCommand($command).BindingExceptions.Values.BindingException.Message | Should -BeNullOrEmpty -Because "$command"
        }
    }
}
